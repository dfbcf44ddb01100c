import * as jsonc from "jsonc-parser";
import { digest, inline } from "./canonical";
import { cutMarker } from "./edits";
import { type Item, itemDigest, lineOf, type PolicyDocument } from "./document";
import type { Grant } from "./fragment";
import { describeHandEdit } from "./hand-edit";
import { formatMarker, type Marker, type MarkerLabel } from "./marker";
import { type NewItem, type Plan, planCut, planRelabel, planReplace } from "./plan";

/** Makes the owner's grants the wanted ones; returns those that have no place in the file yet. */
export function planGrants(plan: Plan, wanted: Grant[]): NewItem[] {
  const { doc, fragment } = plan;
  const mine = ownGrants(plan);
  const isMine = (marker: Marker): boolean => marker.kind === "grant" && marker.owner === fragment.owner;
  const attached = new Set(mine.map(({ marker }) => marker));
  const strays = [...(doc.grants?.items ?? []).flatMap((item) => item.markers), ...(doc.grants?.loose ?? [])];
  plan.edits.push(
    ...strays.filter((m) => isMine(m) && !attached.has(m)).map((marker) => cutMarker(doc, marker)),
  );

  const added: NewItem[] = [];
  const kept = new Set<Item>();
  wanted.forEach((grant, i) => {
    const found = mine.find(({ marker, item }) => marker.index === i + 1 && !kept.has(item));
    if (found) {
      kept.add(found.item);
      updateGrant(plan, found, grant);
    } else {
      added.push({ label: grantLabel(fragment.owner, i + 1, grant), text: inline(orderKeys(grant)) });
    }
  });
  for (const found of mine.filter(({ item }) => !kept.has(item))) {
    if (isUnedited(found) || plan.force) {
      cutGrant(plan, found);
    } else {
      plan.handEdits.push(describeGrant(plan, found, fragment.grants[found.marker.index - 1]));
    }
  }
  plan.inserted.push(...wanted);
  return added;
}

/**
 * Takes out grants that lost their marker: for each, the one that says exactly the same and has no marker. Only where
 * there is no doubt: beside a marked one of ours, also under another number (an update was written, but its state was
 * lost), an unmarked twin is somebody's own; and of several, nothing tells which was ours.
 *
 * Not for grants to `*`: such a one may be what gives people access at all, and a second attempt at a removal would
 * take it for ours.
 */
export function planUnmarkedCuts(plan: Plan, grants: Grant[]): void {
  const docs = plan.retryOf ? [plan.doc, plan.retryOf] : [plan.doc];
  const mine = docs.flatMap((doc) => ownGrants({ doc, fragment: plan.fragment })).map(({ marker }) => marker);
  grants.forEach((grant, i) => {
    const label = grantLabel(plan.fragment.owner, i + 1, grant);
    if (mine.some((marker) => marker.index === label.index || marker.digest === label.digest)) {
      return;
    }
    const [twin, ...more] = wasTakenOut(plan, grant) ? [] : unmarkedTwins(plan, grant);
    if (twin && more.length > 0 && !plan.force) {
      plan.unclear.push(describeTwins(plan, [twin, ...more], label));
    } else if (twin) {
      planCut(plan, twin);
    }
  });
}

/** Whether the edit that this one repeats seems to have been written: there are fewer such grants by now. */
function wasTakenOut({ doc, retryOf }: Plan, grant: Grant): boolean {
  const count = (where: PolicyDocument) => unmarkedTwins({ doc: where, cut: new Set() }, grant).length;
  return retryOf !== undefined && count(retryOf) > count(doc);
}

/** The grants without any marker of ours that say exactly the same; none for a grant to `*`. */
export function unmarkedTwins({ doc, cut }: Pick<Plan, "doc" | "cut">, grant: Grant): Item[] {
  return unmarkedSaying(doc, digest(grant), cut).filter((item) => !reachesAll(item));
}

/** The grants without any marker of ours whose value has this digest. */
export function unmarkedSaying(doc: PolicyDocument, wanted: string, except: ReadonlySet<Item>): Item[] {
  return (doc.grants?.items ?? []).filter(
    (item) => item.markers.length === 0 && !except.has(item) && itemDigest(item) === wanted,
  );
}

function reachesAll(item: Item): boolean {
  return (jsonc.getNodeValue(item.valueNode) as Grant).dst.includes("*");
}

/** Also the marker, where somebody has put a rule of theirs between the two. */
function cutGrant(plan: Plan, { item, marker }: OwnGrant): void {
  if (!item.markers.includes(marker)) plan.edits.push(cutMarker(plan.doc, marker));
  planCut(plan, item);
}

/** A grant with the marker that it goes by. */
export interface OwnGrant {
  item: Item;
  marker: Marker;
}

/** A marker, and the grant that it stands before, if it does. */
type LooseMarker = Pick<OwnGrant, "marker"> & Partial<OwnGrant>;

/** The owner's grants in the order of the file. */
export function ownGrants({ doc, fragment }: Pick<Plan, "doc" | "fragment">): OwnGrant[] {
  return markedGrants(doc).filter(({ marker }) => marker.kind === "grant" && marker.owner === fragment.owner);
}

/** All grants with a marker, of whatever owner, in the order of the file; then those whose marker lies elsewhere. */
export function markedGrants(doc: PolicyDocument): OwnGrant[] {
  const items = doc.grants?.items ?? [];
  const attached = items.flatMap((item, at) => {
    const marker = grantMarker(item);
    return marker ? [{ item: pushedDown(items, at, marker) ?? item, marker }] : [];
  });
  const settled = new Set(attached.map(({ marker }) => marker));
  const strays: LooseMarker[] = [...items.flatMap((item) => item.markers), ...(doc.grants?.loose ?? [])]
    .filter((marker) => marker.kind === "grant" && !settled.has(marker))
    .map((marker) => ({ marker }));
  return [...attached, ...strays].flatMap(({ item, marker }) => {
    const meant = movedAway(doc, attached, { item, marker }) ?? item;
    return meant ? [{ item: meant, marker }] : [];
  });
}

/**
 * The grant that a marker was written for, where somebody moved one of the two elsewhere. As for a lost marker, only
 * where there is no doubt: no other marker is for that grant, and one unmarked grant alone says the same.
 */
function movedAway(
  doc: PolicyDocument,
  attached: OwnGrant[],
  { item, marker }: LooseMarker,
): Item | undefined {
  if (item && itemDigest(item) === marker.digest) return undefined;
  const isSettled = attached.some(
    (other) =>
      other.marker.owner === marker.owner && other.marker.digest === marker.digest && isUnedited(other),
  );
  const taken = new Set(attached.map((other) => other.item));
  const twins = isSettled ? [] : unmarkedSaying(doc, marker.digest, taken);
  const [twin, ...more] = twins.filter((other) => !reachesAll(other));
  return more.length === 0 ? twin : undefined;
}

/** The grant that the marker was written for, where others have put unmarked ones of theirs between the two. */
function pushedDown(items: Item[], at: number, marker: Marker): Item | undefined {
  const isMeant = (item: Item | undefined): boolean =>
    item !== undefined && itemDigest(item) === marker.digest;
  let found = at;
  while (!isMeant(items[found])) {
    found++;
    // No copy of the rest is made for this: in a file with thousands of grants of ours that took most of the time.
    if (items[found]?.markers.length !== 0) return undefined;
  }
  return found > at ? items[found] : undefined;
}

/** The marker that an element of `grants` goes by: the last one before it. */
export function grantMarker(item: Item): Marker | undefined {
  return item.markers.filter(({ kind }) => kind === "grant" || kind === "allow-all").pop();
}

/** Whether the value is still the one that the marker was written for; its white space may be another. */
export function isUnedited({ item, marker }: OwnGrant): boolean {
  return itemDigest(item) === marker.digest;
}

function updateGrant(plan: Plan, found: OwnGrant, grant: Grant): void {
  const wanted = digest(grant);
  const isSame = itemDigest(found.item) === wanted;
  if (!isSame && !isUnedited(found) && !plan.force) {
    plan.handEdits.push(describeGrant(plan, found, grant));
    return;
  }
  if (!isSame) {
    planReplace(plan, found.item, grant, inline(orderKeys(grant)));
  }
  if (found.marker.digest !== wanted) {
    planRelabel(plan, found.marker, { digest: wanted });
  }
}

function describeGrant(plan: Plan, { item, marker }: OwnGrant, expected: Grant | undefined): string {
  return describeHandEdit(plan.doc, item, `grant #${marker.index} of ${marker.owner}`, expected);
}

function describeTwins(plan: Plan, twins: Item[], label: MarkerLabel): string {
  const lines = twins.map((item) => lineOf(plan.doc, item)).join(", ");
  return [
    `grant #${label.index} of ${label.owner} lost its marker comment, and more than one grant in the policy file ` +
      `(lines ${lines}) says exactly the same. Put the comment back above ours,`,
    `  ${formatMarker(label)}`,
    "or change or delete the others (one that is left alone is taken for ours), or force to take the upper one; " +
      "nothing was changed",
  ].join("\n");
}

export function grantLabel(owner: string, index: number, grant: Grant): MarkerLabel {
  return { owner, kind: "grant", index, digest: digest(grant) };
}

/** The order of Tailscale's own examples. */
export function orderKeys({ src, dst, app, ip }: Grant): Grant {
  return { src, dst, ...(app && { app }), ...(ip && { ip }) };
}
