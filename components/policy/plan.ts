import { applyEdits, cutItem, cutMarker, type Edit } from "./edits";
import type { Item, PolicyDocument, Section } from "./document";
import type { PolicyFragment } from "./fragment";
import { spanStart } from "./layout";
import { formatMarker, type Marker, type MarkerLabel } from "./marker";

/** Choices of whoever asks for an edit. */
export interface EditOptions {
  /**
   * Go over what was edited by hand: the object behind our marker is replaced or taken out, whatever it says now, and
   * of several grants that may be ours without a marker the upper one. Also lets a removal open a file up to
   * everybody, see {@link PolicyErrorCode} `allow-all`. @default false
   */
  force?: boolean;
  /**
   * When the file has neither `acls` nor `grants`, which allows everything, add a grant that goes on allowing it
   * beside our first one; it is taken out with our last one. Once others add rules, every edit that has or had grants
   * of ours stops until somebody decides between the two. @default false: such a file is refused
   */
  keepAllowAll?: boolean;
  /**
   * What this owner wrote last. Lets an update also find a grant whose marker was lost, as a removal does.
   * @default nothing: what has no marker is somebody else's
   */
  previous?: PolicyFragment;
  /**
   * What the same edit was made from before, when it is not known whether its result was written. What was taken out
   * there is not looked for again among the grants without a marker. @default none
   */
  retryOf?: string;
}

/** One edit of a file in the making: what goes, what comes, and what stands in the way. */
export interface Plan {
  doc: PolicyDocument;
  fragment: PolicyFragment;
  force: boolean;
  /** See {@link EditOptions.retryOf}. */
  retryOf: PolicyDocument | undefined;
  edits: Edit[];
  /** Items that go. */
  cut: Set<Item>;
  /** New values by item, and values of new items: what the file will say there. */
  replaced: Map<Item, unknown>;
  inserted: unknown[];
  /** One text per hand edit that `force` would go over. */
  handEdits: string[];
  /** One text per grant that lost its marker and cannot be told from others. */
  unclear: string[];
}

/** A new item for a section; its text is made when its place and indentation are known. */
export interface NewItem {
  label: MarkerLabel;
  text: string;
}

/** Takes an item out with all of its markers. */
export function planCut(plan: Plan, item: Item): void {
  plan.cut.add(item);
  plan.edits.push(...item.markers.map((marker) => cutMarker(plan.doc, marker)), ...cutItem(plan.doc, item));
}

/** Takes a section of ours out, when its items go; a comment that somebody put inside stays where it is. */
export function planCutSection(plan: Plan, { member }: Section): void {
  const { doc } = plan;
  const open = member.valueNode.offset;
  const close = open + member.valueNode.length - 1;
  const inside = plan.edits.filter((edit) => edit.offset > open && edit.end <= close);
  if (
    applyEdits(doc, inside)
      .slice(open + 1, close - doc.text.length)
      .trim() === ""
  ) {
    planCut(plan, member);
    return;
  }
  plan.cut.add(member);
  plan.edits.push(
    ...member.markers.map((marker) => cutMarker(doc, marker)),
    { offset: spanStart(doc.text, member.offset), end: open + 1, text: "" },
    ...cutItem(doc, { ...member, offset: close }),
  );
}

/** Lets a marker say something else, in its place. */
export function planRelabel(plan: Pick<Plan, "edits">, marker: Marker, change: Partial<MarkerLabel>): void {
  plan.edits.push(relabel(marker, change));
}

export function relabel(marker: Marker, change: Partial<MarkerLabel>): Edit {
  return { offset: marker.offset, end: marker.end, text: formatMarker({ ...marker, ...change }) };
}

/** Puts another value in an item's place. */
export function planReplace(plan: Plan, item: Item, value: unknown, text: string): void {
  plan.replaced.set(item, value);
  plan.edits.push({ offset: item.offset, end: item.end, text });
}

/** Whether nothing is left of a section, so that it may go if it is ours. */
export function isEmptied(plan: Plan, section: Section, newItems: number): boolean {
  return newItems === 0 && section.items.every((item) => plan.cut.has(item));
}

/** Whether this section's name was not in the file before us. */
export function isOurs(section: Section): boolean {
  return section.member.markers.some((marker) => marker.kind === "section");
}

/** An item's whole text: its own line break, marker line, value, comma. It needs nothing of its neighbours. */
export function spanText(item: NewItem, eol: string, indent: string): string {
  return `${eol}${indent}${formatMarker(item.label)}${eol}${indent}${item.text},`;
}
