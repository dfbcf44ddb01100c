import type { Item, PolicyDocument } from "./document";
import { spanStart } from "./layout";
import type { Marker } from "./marker";

/** Text to put in place of `[offset, end)`. */
export interface Edit {
  offset: number;
  end: number;
  text: string;
}

/** Takes a marker out, with its line. */
export function cutMarker(doc: PolicyDocument, marker: Marker): Edit {
  return { offset: spanStart(doc.text, marker.offset), end: marker.end, text: "" };
}

/** Takes an item out, with its line and its comma; a comment of others between the two stays. */
export function cutItem(doc: PolicyDocument, item: Item): Edit[] {
  const offset = spanStart(doc.text, item.offset);
  if (item.comma === undefined) {
    return [{ offset, end: item.end, text: "" }];
  }
  if (doc.text.slice(item.end, item.comma).trim() === "") {
    return [{ offset, end: item.comma + 1, text: "" }];
  }
  return [
    { offset, end: item.end, text: "" },
    { offset: item.comma, end: item.comma + 1, text: "" },
  ];
}

/** Applies edits; those at the same place in the order given, those inside a cut are dropped with it. */
export function applyEdits(doc: PolicyDocument, edits: Edit[]): string {
  const isCut = (edit: Edit): boolean => edit.text === "";
  const cuts = mergeCuts(edits.filter(isCut)).map((cut) => keepLineBreak(doc, cut));
  const isInside = (edit: Edit, cut: Edit): boolean =>
    cut.offset < edit.offset && (edit.offset < cut.end || edit.offset < edit.end) && edit.end <= cut.end;
  const others = edits.filter((edit) => !isCut(edit) && !cuts.some((cut) => isInside(edit, cut)));
  const sorted = [...others, ...cuts].sort((a, b) => a.offset - b.offset);
  let result = "";
  let at = 0;
  for (const edit of sorted) {
    result += doc.text.slice(at, edit.offset) + edit.text;
    at = edit.end;
  }
  return result + doc.text.slice(at);
}

function mergeCuts(cuts: Edit[]): Edit[] {
  const merged: Edit[] = [];
  for (const cut of [...cuts].sort((a, b) => a.offset - b.offset)) {
    const last = merged[merged.length - 1];
    if (last && cut.offset <= last.end) {
      last.end = Math.max(last.end, cut.end);
    } else {
      merged.push({ ...cut });
    }
  }
  return merged;
}

/** A cut that starts with the line break of somebody's `//` comment must not pull what follows into that comment. */
function keepLineBreak(doc: PolicyDocument, cut: Edit): Edit {
  const lineBreak = /[ \t]*\r?\n/y;
  lineBreak.lastIndex = cut.end;
  if (!doc.lineComments.has(cut.offset) || lineBreak.test(doc.text)) {
    return cut;
  }
  return { ...cut, offset: cut.offset + (doc.text[cut.offset] === "\r" ? 2 : 1) };
}
