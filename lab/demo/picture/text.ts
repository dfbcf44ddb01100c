/**
 * Where text has its place in the picture. Nothing here can measure a font, so all that has to fit is set in a monospaced
 * one, whose characters are as wide as each other: 0.61 em is a little more than the widest of the usual ones has.
 */
export const FONT_SIZE = 12;
const CHARACTER = 0.61 * FONT_SIZE;

/** Labels are ours, and in a smaller proportional font; this is what a character of theirs takes at most on average. */
const LABEL_CHARACTER = 6.7;

/** Between a value and its label. */
const GAP = 8;

export function widthOf(text: string): number {
  return [...text].length * CHARACTER;
}

/** Text in lines no wider than `width`, broken behind a mark where there is one. */
export function wrap(text: string, width: number): string[] {
  const most = Math.max(1, Math.floor(width / CHARACTER));
  const lines: string[] = [];
  let rest = [...text];
  while (rest.length > most) {
    const marks = rest.slice(0, most).map((character) => "-.:/, ".includes(character));
    const cut = marks.lastIndexOf(true) + 1 || most;
    lines.push(rest.slice(0, cut).join("").trimEnd());
    rest = [...rest.slice(cut).join("").trimStart()];
  }
  return [...lines, rest.join("")];
}

/** Something that a box says: a value, and at the other side what it is. */
export interface Row {
  value: string;
  label?: string;
  tone?: "title" | "good" | "bad";
}

/** One line of a box. */
export type Line = Partial<Row>;

/** The row in lines no wider than `width`; the label gets a line of its own where it does not fit beside the value. */
export function linesOf({ value, label, tone }: Row, width: number): Line[] {
  const lines: Line[] = wrap(value, width).map((text) => ({ value: text, tone }));
  if (label === undefined) return lines;
  const last = lines.at(-1)!;
  if (widthOf(last.value ?? "") + GAP + label.length * LABEL_CHARACTER <= width) last.label = label;
  else lines.push({ label });
  return lines;
}
