import * as jsonc from "jsonc-parser";
import { canonical, digest, inline } from "./canonical";
import { cutMarker } from "./edits";
import { type Item, itemDigest } from "./document";
import type { TagOwners } from "./fragment";
import { describeHandEdit } from "./hand-edit";
import { formatMarker, type Marker, nobody } from "./marker";
import { type NewItem, type Plan, planCut, planRelabel, planReplace } from "./plan";
import { namesTag, tagTexts } from "./references";
import { spanStart } from "./layout";

/**
 * Makes the owner's claims on tags the wanted ones; returns the entries that the file lacks.
 *
 * An entry of ours has one marker line for each owner that wants it, with the digest of what that owner wants. The
 * entry says what one of them wants, so an entry whose digest no marker has was edited by hand. Who comes later
 * shares the entry as it is; who changes what it wants changes it for all.
 */
export function planTagOwners(plan: Plan, wanted: TagOwners, indent: string, eol: string): NewItem[] {
  const { doc, fragment } = plan;
  const items = doc.tagOwners?.items ?? [];
  const leaves = Object.keys(wanted).length === 0;
  const left: Item[] = [];
  for (const item of items) {
    if (Object.hasOwn(wanted, item.key ?? "")) {
      claim(plan, item, wanted[item.key ?? ""] ?? [], indent, eol);
    } else if (release(plan, item, leaves)) {
      left.push(item);
    }
  }
  const stray = (doc.tagOwners?.loose ?? []).filter(
    ({ kind, owner }) => kind === "tag-owner" && (owner === fragment.owner || owner === nobody()),
  );
  plan.edits.push(...stray.map((marker) => cutMarker(doc, marker)));
  const missing = Object.entries(wanted).filter(([tag]) => !items.some((item) => item.key === tag));
  plan.inserted.push(...missing.map(([tag, owners]) => ({ [tag]: owners })));
  sweep(plan, left);
  return missing.map(([tag, owners]) => ({
    label: { owner: fragment.owner, kind: "tag-owner", index: 0, digest: digest({ [tag]: owners }) },
    text: entryText(tag, owners),
  }));
}

/** The marker lines of an entry. */
export function claimsOf(item: Item): Marker[] {
  return item.markers.filter(({ kind }) => kind === "tag-owner");
}

/** Who claims an entry, seen from one of its owners. */
interface Claims {
  mine: Marker[];
  /** Those of other owners, not those of nobody. */
  others: Marker[];
}

export function claimsBy(item: Item, owner: string): Claims {
  const claims = claimsOf(item);
  return {
    mine: claims.filter((marker) => marker.owner === owner),
    others: claims.filter((marker) => marker.owner !== owner && marker.owner !== nobody()),
  };
}

/** Whether the entry says what some owner wanted, and nobody changed it since. */
export function isVouched(item: Item): boolean {
  const claims = claimsOf(item);
  return claims.length > 0 && claims.some((marker) => marker.digest === itemDigest(item));
}

function entryText(tag: string, owners: string[]): string {
  return `${JSON.stringify(tag)}: ${inline(owners)}`;
}

function claim(plan: Plan, item: Item, owners: string[], indent: string, eol: string): void {
  const claims = claimsOf(item);
  const [first] = claims;
  if (!first) {
    return; // somebody else's entry: never touched
  }
  const tag = item.key ?? "";
  const wanted = digest({ [tag]: owners });
  const [mine, ...twins] = claims.filter(({ owner }) => owner === plan.fragment.owner);
  plan.edits.push(...twins.map((marker) => cutMarker(plan.doc, marker)));
  if (!mine) {
    joinEntry(plan, item, owners, claims, indent, eol);
    return;
  }
  const isSame = itemDigest(item) === wanted;
  const isEdited = !isVouched(item);
  if (isEdited && !isSame && !plan.force) {
    plan.handEdits.push(describeTag(plan, item, { [tag]: owners }));
    return;
  }
  const isWishNew = mine.digest !== wanted;
  if (!isSame && (isEdited || isWishNew)) {
    planReplace(plan, item, { [tag]: owners }, entryText(tag, owners));
  }
  if (isWishNew) {
    planRelabel(plan, mine, { digest: wanted });
  }
}

/** A claim on an entry that others made: one more marker line above theirs, or in place of the line it was kept by. */
function joinEntry(
  plan: Plan,
  item: Item,
  owners: string[],
  claims: Marker[],
  indent: string,
  eol: string,
): void {
  const tag = item.key ?? "";
  const { owner } = plan.fragment;
  const wanted = digest({ [tag]: owners });
  const [first] = item.markers;
  const kept = claims.find((marker) => marker.owner === nobody());
  if (kept && isVouched(item)) {
    planRelabel(plan, kept, { owner, digest: wanted });
    if (itemDigest(item) !== wanted) {
      planReplace(plan, item, { [tag]: owners }, entryText(tag, owners));
    }
  } else if (!kept && first) {
    const line = formatMarker({ owner, kind: "tag-owner", index: 0, digest: wanted });
    const offset = spanStart(plan.doc.text, first.offset);
    // A marker that shares its line with others' text must not disappear behind the new one.
    const text = offset < first.offset ? `${eol}${indent}${line}` : `${line}${eol}${indent}`;
    plan.edits.push({ offset, end: offset, text });
  }
}

/**
 * Drops the owner's claim on an entry; true when nobody is left who claims it, so that it may go. An owner who leaves
 * the file for good is the last that asks for the entry: what somebody made of it by hand is theirs from then on.
 */
function release(plan: Plan, item: Item, leaves: boolean): boolean {
  const claims = claimsOf(item);
  const { mine, others } = claimsBy(item, plan.fragment.owner);
  if (claims.length === 0 || others.length > 0) {
    leaveToOthers(plan, item, { mine, others });
    return false;
  }
  // Force is for what the owner wrote: a marker may have come to an entry of somebody else's.
  if (isVouched(item) || (plan.force && Object.hasOwn(plan.fragment.tagOwners, item.key ?? ""))) {
    return mine.length > 0 || isVouched(item);
  }
  if (mine.length > 0 && (leaves || plan.force)) {
    plan.edits.push(...claims.map((marker) => cutMarker(plan.doc, marker)));
  } else if (mine.length > 0) {
    const tag = item.key ?? "";
    const expected = plan.fragment.tagOwners[tag];
    plan.handEdits.push(describeTag(plan, item, expected && { [tag]: expected }));
  }
  return false;
}

/** Those who stay take over what the entry says, when only the one who leaves had wanted it so. */
export function leaveToOthers(plan: Pick<Plan, "doc" | "edits">, item: Item, { mine, others }: Claims): void {
  if (mine.length === 0) {
    return;
  }
  plan.edits.push(...mine.map((marker) => cutMarker(plan.doc, marker)));
  const current = itemDigest(item);
  const isOrphan = isVouched(item) && !others.some((marker) => marker.digest === current);
  for (const marker of isOrphan ? others : []) {
    planRelabel(plan, marker, { digest: current });
  }
}

/**
 * Takes out the entries that nobody claims and nothing in the file refers to. The others stay with a marker of nobody,
 * so that whoever takes out the last reference takes the entry with it, in whatever order the owners leave.
 */
function sweep(plan: Plan, unclaimed: Item[]): void {
  if (unclaimed.length === 0) {
    return;
  }
  const { doc, cut, replaced } = plan;
  const gone = new Set([...cut, ...replaced.keys(), ...unclaimed].map(({ node }) => node));
  const texts = tagTexts(doc.root, (node) => gone.has(node)).concat(plan.inserted.map(canonical));
  texts.push(...[...replaced.values()].map(canonical));
  let pending = unclaimed;
  for (let grew = true; grew;) {
    const live = pending.filter(({ key = "" }) => texts.some((text) => namesTag(text, key)));
    pending = pending.filter((item) => !live.includes(item));
    live.forEach((item) => {
      keepForNobody(plan, item);
      texts.push(canonical(jsonc.getNodeValue(item.valueNode)));
    });
    grew = live.length > 0;
  }
  pending.forEach((item) => planCut(plan, item));
}

function keepForNobody(plan: Plan, item: Item): void {
  const [first, ...rest] = claimsOf(item);
  plan.edits.push(...rest.map((marker) => cutMarker(plan.doc, marker)));
  if (first && first.owner !== nobody()) {
    planRelabel(plan, first, { owner: nobody(), digest: itemDigest(item) });
  }
}

function describeTag(plan: Plan, item: Item, expected: TagOwners | undefined): string {
  return describeHandEdit(plan.doc, item, `tagOwners of ${plan.fragment.owner}`, expected);
}
