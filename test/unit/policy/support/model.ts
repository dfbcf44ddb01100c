import { isDeepStrictEqual } from "node:util";
import type { Grant, PolicyErrorCode, PolicyFragment } from "../../../../components/policy";
import { cutSpans, readHujson, readTree, tokens } from "./hujson";

/*
 * What the policy file must be, thought out again without any of the code under test: others' bytes, and what each
 * owner has among them.
 */

/** An entry of `tagOwners` of ours: what it says, and what each owner that claims it wants. `*`: kept for nobody. */
interface Entry {
  says: string[];
  claims: Map<string, string[]>;
}

export interface Model {
  /** The file without anything of ours. */
  foreign: string;
  grants: Map<string, Grant[]>;
  tagOwners: Map<string, Entry>;
  /** Whether our grant is there that keeps the file open. */
  isKeptOpen: boolean;
}

export interface Wish {
  fragment: PolicyFragment;
  isRemoval: boolean;
  keepAllowAll: boolean;
}

/** A file that nothing of ours is in. */
export function emptyModel(text: string): Model {
  return { foreign: text, grants: new Map(), tagOwners: new Map(), isKeptOpen: false };
}

type Policy = Record<string, unknown>;

/** A value of the root, its name in any case as Go reads it. */
function member(policy: Policy, name: RegExp): unknown {
  return Object.entries(policy).find(([key]) => name.test(key))?.[1];
}

const names = [/^grants$/iu, /^acls$/iu, /^tagowners$/iu] as const;
const [GRANTS, ACLS, TAG_OWNERS] = names;

/** Whether the file says something twice, or as something else, that the merge would have to choose from. */
export function isAmbiguous(text: string): boolean {
  const { items } = readTree(text);
  const found = names.map((name) => items.filter(({ key = "" }) => name.test(key)));
  const isOdd = found.some(([first], i) => first && text[first.tree.offset] !== (i === 2 ? "{" : "["));
  const tags = found[2]?.[0]?.tree.items.map(({ key }) => key) ?? [];
  return isOdd || found.some(({ length }) => length > 1) || new Set(tags).size < tags.length;
}

/** What the merge must do with a wish: refuse it with this code, or make the file what the model then says. */
export function expected(model: Model, text: string, wish: Wish): PolicyErrorCode | Model {
  if (isAmbiguous(text)) {
    return "invalid-policy";
  }
  const { fragment, isRemoval } = wish;
  const foreign = readHujson(model.foreign) as Policy;
  const real = readHujson(text) as Policy;
  const next: Model = { ...model, grants: new Map(model.grants) };
  next.grants.set(fragment.owner, isRemoval ? [] : fragment.grants);
  const before = [...model.grants.values()].flat();
  const after = [...next.grants.values()].flat();
  const had = model.grants.get(fragment.owner) ?? [];
  const comes = !isRemoval && fragment.grants.length > had.length;
  const hasAcls = member(real, ACLS) !== undefined;
  const theirs = member(foreign, GRANTS) as unknown[] | undefined;

  if (comes && !hasAcls && member(real, GRANTS) === undefined) {
    if (!wish.keepAllowAll) {
      return "allow-all";
    }
    next.isKeptOpen = true;
  }
  const mayNotBeOpen = isRemoval ? after.length === 0 : fragment.grants.length > 0;
  const known = [...before, ...fragment.grants, { src: ["*"], dst: ["*"], ip: ["*"] }];
  const isRule = (rule: unknown): boolean => givesAccess(rule) && !known.some((k) => isSame(k, rule));
  if (model.isKeptOpen && mayNotBeOpen && (hasAcls || theirs?.some(isRule))) {
    return "allow-all";
  }
  if (!comes && after.length === 0 && !hasAcls && theirs === undefined) {
    next.isKeptOpen = false;
    if (before.length > 0 && !model.isKeptOpen) {
      return "allow-all"; // somebody took the acls out: without our grants all would be open
    }
  }
  next.tagOwners = expectedTagOwners(next, foreign, wish);
  return next;
}

function givesAccess(rule: unknown): boolean {
  return Object.keys(Object(rule)).some((key) => /^ip$/i.test(key));
}

/** Numbers that JSON cannot hold apart are the same. */
function isSame(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(a, b);
}

function expectedTagOwners(model: Model, foreign: Policy, { fragment, isRemoval }: Wish): Map<string, Entry> {
  const { owner } = fragment;
  const wanted = isRemoval ? {} : fragment.tagOwners;
  const entries = new Map<string, Entry>();
  const unclaimed = new Map<string, Entry>();
  for (const [tag, { says, claims }] of model.tagOwners) {
    const wish = wanted[tag];
    const entry = { says, claims: new Map(claims) };
    if (wish) {
      claimEntry(entry, owner, wish);
      entries.set(tag, entry);
    } else {
      dropClaim(entry, owner);
      const isClaimed = [...entry.claims.keys()].some((key) => key !== "*");
      (isClaimed ? entries : unclaimed).set(tag, entry);
    }
  }
  const theirs = (member(foreign, TAG_OWNERS) as object | undefined) ?? {};
  for (const [tag, says] of Object.entries(wanted)) {
    if (!entries.has(tag) && !Object.hasOwn(theirs, tag)) {
      entries.set(tag, { says, claims: new Map([[owner, says]]) });
    }
  }
  return keepReferred({ ...model, tagOwners: entries }, unclaimed);
}

function claimEntry(entry: Entry, owner: string, wish: string[]): void {
  const mine = entry.claims.get(owner);
  const isKept = entry.claims.delete("*");
  if (isKept || (mine && !isSame(mine, wish))) {
    entry.says = wish;
  }
  entry.claims.set(owner, wish);
}

/** Those who stay want what the entry says, where only the one who leaves had wanted that. */
function dropClaim(entry: Entry, owner: string): void {
  if (!entry.claims.delete(owner) || [...entry.claims.values()].some((wish) => isSame(wish, entry.says))) {
    return;
  }
  for (const other of entry.claims.keys()) {
    entry.claims.set(other, entry.says);
  }
}

/** Entries that nobody claims stay while anything in the file names their tag; also another one that stays. */
function keepReferred(model: Model, unclaimed: Map<string, Entry>): Map<string, Entry> {
  const entries = new Map(model.tagOwners);
  for (let grew = true; grew;) {
    grew = false;
    const texts = textsOf({ ...model, tagOwners: entries });
    for (const [tag, { says }] of unclaimed) {
      const name = new RegExp(`(?<![A-Za-z0-9-])${tag}(?![A-Za-z0-9-])`);
      if (!entries.has(tag) && texts.some((text) => name.test(text))) {
        entries.set(tag, { says, claims: new Map([["*", says]]) });
        grew = true;
      }
    }
  }
  return entries;
}

/** Every text in the file, names of members and what a second member of the same name hides included. */
function textsOf(model: Model): string[] {
  const theirs = tokens(model.foreign)
    .filter(({ type }) => type === "text")
    .map(({ offset, end }) => JSON.parse(model.foreign.slice(offset, end)) as string);
  const ours = [...model.grants.values(), ...[...model.tagOwners].map(([tag, { says }]) => [tag, says])];
  return [...theirs, JSON.stringify(ours)];
}

/** The file's value. The order of our grants among each other and others' means nothing, so all are sorted. */
export function valueOf(model: Model): unknown {
  const policy = readHujson(model.foreign) as Policy;
  const ours = [...model.grants.values()].flat();
  const open = model.isKeptOpen ? [{ src: ["*"], dst: ["*"], ip: ["*"] }] : [];
  const entries = Object.fromEntries([...model.tagOwners].map(([tag, { says }]) => [tag, says]));
  return sorted({
    ...policy,
    ...(ours.length + open.length > 0 && {
      [nameOf(policy, GRANTS) ?? "grants"]: [
        ...ours,
        ...open,
        ...((member(policy, GRANTS) as unknown[]) ?? []),
      ],
    }),
    ...(model.tagOwners.size > 0 && {
      [nameOf(policy, TAG_OWNERS) ?? "tagOwners"]: { ...(member(policy, TAG_OWNERS) as object), ...entries },
    }),
  });
}

/** A policy's value with its grants sorted. */
export function sorted(value: unknown): unknown {
  const policy = value as Policy;
  const name = nameOf(policy, GRANTS);
  const list = name === undefined ? undefined : policy[name];
  return name !== undefined && Array.isArray(list)
    ? { ...policy, [name]: list.map((grant) => [JSON.stringify(grant), grant]).sort(byText) }
    : policy;
}

function byText([a]: unknown[], [b]: unknown[]): number {
  return String(a) < String(b) ? -1 : 1;
}

function nameOf(policy: Policy, name: RegExp): string | undefined {
  return Object.keys(policy).find((key) => name.test(key));
}

/** `owner what value` of every marker line that must be in the file, sorted. */
export function marksOf(model: Model): string[] {
  const grants = [...model.grants].flatMap(([owner, list]) =>
    list.map((grant, i) => describeMark(owner, `grant#${i + 1}`, grant)),
  );
  const tags = [...model.tagOwners].flatMap(([tag, { says, claims }]) =>
    [...claims.keys()].map((owner) => describeMark(owner, "tag-owner", { [tag]: says })),
  );
  return [...grants, ...tags].sort();
}

export function describeMark(owner: string, what: string, value: unknown): string {
  return `${owner} ${what} ${JSON.stringify(value)}`;
}

/** After people have edited the file. */
export function afterHumans(model: Model, text: string): Model {
  return { ...model, foreign: cutSpans(text) };
}
