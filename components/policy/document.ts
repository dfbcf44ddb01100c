import * as jsonc from "jsonc-parser";
import { digest } from "./canonical";
import { type Marker, parseMarker } from "./marker";
import { invalidPolicy } from "./policy-error";
import { checkStrictness } from "./strictness";

/** One element of a list, or one member of an object, with what stands around it. */
export interface Item {
  /** The element, or the property node. */
  node: jsonc.Node;
  /** The element, or the member's value. */
  valueNode: jsonc.Node;
  /** The member's name; undefined in a list. */
  key: string | undefined;
  offset: number;
  end: number;
  /** Offset of the comma behind it, if there is one. */
  comma: number | undefined;
  /** Our markers between the item before and this one, top to bottom. */
  markers: Marker[];
  /** What {@link itemDigest} found out; it is asked several times for each grant of the file. */
  digest?: string;
}

/** `grants` or `tagOwners` of the root. */
export interface Section {
  /** The section as a member of the root; it has a marker when it is our own. */
  member: Item;
  items: Item[];
  /** Markers behind the last item: what stood behind them is gone. */
  loose: Marker[];
}

/** A policy file, parsed. All offsets are into `text`. */
export interface PolicyDocument {
  text: string;
  root: jsonc.Node;
  /** Members of the root. */
  members: Item[];
  grants: Section | undefined;
  tagOwners: Section | undefined;
  hasAcls: boolean;
  /** Ends of the `//` comments around items: the line break behind them must stay. */
  lineComments: Set<number>;
  /** Where its lines start, once {@link lineAt} was asked; a report asks for every entry of the file. */
  lineStarts?: number[];
}

/**
 * Parses a policy file as strictly as Tailscale's own HuJSON parser (github.com/tailscale/hujson, parse.go) does.
 *
 * @throws PolicyError `invalid-policy` with line and column.
 */
export function parsePolicy(text: string): PolicyDocument {
  checkStrictness(text);
  const errors: jsonc.ParseError[] = [];
  const root = jsonc.parseTree(text, errors, { allowTrailingComma: true, disallowComments: false });
  const first = errors[0];
  if (first) {
    throw invalidPolicy(text, first.offset, `not valid HuJSON (${jsonc.printParseErrorCode(first.error)})`);
  }
  if (!root || root.type !== "object") {
    throw invalidPolicy(text, root?.offset ?? 0, "not an object");
  }
  const lineComments = new Set<number>();
  const members = readItems(text, root, lineComments).items;
  const grants = readSection(text, members, "grants", "array", lineComments);
  const tagOwners = readSection(text, members, "tagOwners", "object", lineComments);
  checkUniqueTags(text, tagOwners);
  return {
    text,
    root,
    members,
    grants,
    tagOwners,
    hasAcls: findMember(text, members, "acls", "array") !== undefined,
    lineComments,
  };
}

/** The digest that the marker of this item should have: a tag's name counts as part of its value. */
export function itemDigest(item: Item): string {
  const read = (): unknown => jsonc.getNodeValue(item.valueNode);
  return (item.digest ??= digest(item.key === undefined ? read() : { [item.key]: read() }));
}

/** The item's line, from 1. */
export function lineOf(doc: PolicyDocument, item: Item): number {
  return lineAt(doc, item.offset);
}

/** The line of an offset, from 1. */
export function lineAt(doc: PolicyDocument, offset: number): number {
  doc.lineStarts ??= [0, ...[...doc.text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  let [low, high] = [0, doc.lineStarts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((doc.lineStarts[middle] ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function readSection(
  text: string,
  members: Item[],
  name: string,
  type: "array" | "object",
  lineComments: Set<number>,
): Section | undefined {
  const member = findMember(text, members, name, type);
  return member && { member, ...readItems(text, member.valueNode, lineComments) };
}

/** Go's JSON decoder takes a name in any case, and so do the people who write "ACLs". */
function findMember(text: string, members: Item[], name: string, type: "array" | "object"): Item | undefined {
  const found = members.filter((member) => foldCase(member.key ?? "") === foldCase(name));
  const [first, second] = found;
  if (second) {
    throw invalidPolicy(text, second.offset, `ambiguous: it has "${name}" more than once`);
  }
  if (first && first.valueNode.type !== type) {
    throw invalidPolicy(
      text,
      first.offset,
      `not a policy: "${name}" must be an ${type}, got ${first.valueNode.type}`,
    );
  }
  return first;
}

/** As encoding/json folds names; upper case first, because U+017F has no lower case but stands for "s" there. */
function foldCase(name: string): string {
  return name.toUpperCase().toLowerCase();
}

function checkUniqueTags(text: string, tagOwners: Section | undefined): void {
  const seen = new Set<string>();
  for (const { key = "", offset } of tagOwners?.items ?? []) {
    if (seen.has(key)) {
      throw invalidPolicy(text, offset, `ambiguous: "tagOwners" has ${JSON.stringify(key)} more than once`);
    }
    seen.add(key);
  }
}

function readItems(
  text: string,
  container: jsonc.Node,
  lineComments: Set<number>,
): { items: Item[]; loose: Marker[] } {
  const items: Item[] = [];
  let from = container.offset + 1;
  const gapTo = (to: number): Marker[] => {
    const gap = readGap(text, from, to);
    gap.lineEnds.forEach((end) => lineComments.add(end));
    const previous = items[items.length - 1];
    if (previous) {
      previous.comma = gap.comma;
    }
    return gap.markers;
  };
  for (const node of container.children ?? []) {
    const [keyNode, valueNode] = node.type === "property" ? (node.children ?? []) : [undefined, node];
    if (!valueNode) {
      throw invalidPolicy(text, node.offset, "not valid HuJSON (a name without a value)");
    }
    const end = valueNode.offset + valueNode.length;
    const key = keyNode?.value as string | undefined;
    const markers = gapTo(node.offset);
    items.push({ node, valueNode, key, offset: node.offset, end, comma: undefined, markers });
    from = end;
  }
  return { items, loose: gapTo(container.offset + container.length - 1) };
}

/** White space, comments and at most one comma. A marker in front of the comma belongs to nothing. */
function readGap(
  text: string,
  from: number,
  to: number,
): { markers: Marker[]; lineEnds: number[]; comma: number | undefined } {
  let markers: Marker[] = [];
  const lineEnds: number[] = [];
  let comma: number | undefined;
  for (let at = from; at < to; at++) {
    if (text.startsWith("/*", at)) {
      at = text.indexOf("*/", at + 2) + 1;
    } else if (text.startsWith("//", at)) {
      const end = lineCommentEnd(text, at);
      const label = parseMarker(text.slice(at, end));
      if (label) {
        markers.push({ ...label, offset: at, end });
      }
      lineEnds.push(end);
      at = end;
    } else if (text[at] === ",") {
      comma = at;
      markers = [];
    }
  }
  return { markers, lineEnds, comma };
}

/** The end of the `//` comment that starts at `offset`, without its line break. */
export function lineCommentEnd(text: string, offset: number): number {
  const feed = text.indexOf("\n", offset);
  return text[feed - 1] === "\r" ? feed - 1 : feed;
}
