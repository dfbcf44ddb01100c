import { type Item, lineCommentEnd, type PolicyDocument, type Section } from "./document";
import { parseMarker } from "./marker";

/** How the file around us is written, so that what we add looks the same. None of it depends on our own text. */
export interface Layout {
  /** Line break: the first one of the file. */
  eol: string;
  /** Indentation of the root's members. */
  member: string;
  /** One more level. */
  unit: string;
}

/** Reads the file's layout from what others wrote in it. @default tabs, as the admin console writes */
export function readLayout(doc: PolicyDocument): Layout {
  const feed = doc.text.indexOf("\n");
  const member = foreignIndent(doc.text, doc.members) ?? "\t";
  return {
    eol: feed > 0 && doc.text[feed - 1] === "\r" ? "\r\n" : "\n",
    member,
    unit: member.startsWith("\t") ? "\t" : member,
  };
}

/** Indentation for an item of a section: as its other items, else one level below the section's own. */
export function itemIndent(doc: PolicyDocument, layout: Layout, section: Section | undefined): string {
  const own = section && foreignIndent(doc.text, section.items);
  return own ?? ((section && indentOf(doc.text, section.member)) ?? layout.member) + layout.unit;
}

function foreignIndent(text: string, items: Item[]): string | undefined {
  return items
    .filter((item) => item.markers.length === 0)
    .map((item) => indentOf(text, item))
    .find((indent) => indent !== undefined);
}

/** The white space in front of an item that starts its line. */
function indentOf(text: string, item: Item): string | undefined {
  const start = lineStart(text, item.offset);
  return start === undefined ? undefined : text.slice(start, item.offset);
}

/** Start of the line when there is nothing but white space in front of `offset` on it. */
function lineStart(text: string, offset: number): number | undefined {
  let at = offset;
  while (at > 0 && (text[at - 1] === " " || text[at - 1] === "\t")) {
    at--;
  }
  return text[at - 1] === "\n" ? at : undefined;
}

/** Start of what we wrote in front of a marker or a value: the line break and the indentation, if they are there. */
export function spanStart(text: string, offset: number): number {
  const start = lineStart(text, offset);
  if (start === undefined) {
    return offset;
  }
  return text[start - 2] === "\r" ? start - 2 : start - 1;
}

/**
 * Where a new item goes: at the start of the container, in front of the line break that ends the bracket's line. What
 * stands on that line behind the bracket (a remark about the whole list) stays with the bracket. When a value follows
 * on the same line, directly behind the bracket.
 *
 * @param bracket offset of `[` or `{`
 */
export function insertionPoint(text: string, bracket: number): number {
  const open = bracket + 1;
  let afterComments = open;
  for (let at = open; at < text.length; at++) {
    if (text.startsWith("\n", at) || text.startsWith("\r\n", at)) {
      return at;
    }
    if (text.startsWith("//", at)) {
      const end = lineCommentEnd(text, at);
      return parseMarker(text.slice(at, end)) ? open : end;
    }
    if (text.startsWith("/*", at)) {
      afterComments = text.indexOf("*/", at + 2) + 2;
      at = afterComments - 1;
    } else if (text[at] === "]" || text[at] === "}") {
      return afterComments;
    } else if (text[at] !== " " && text[at] !== "\t") {
      return open;
    }
  }
  return open;
}
