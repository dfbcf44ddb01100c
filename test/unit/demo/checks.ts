import type { Look, Rect, Text } from "./look";

/** What the browser's layout rounds, in CSS pixels. */
const TOLERANCE = 0.6;

/** Boxes that are not in the viewport as a whole, or do not show. */
export function hiddenBoxes({ drawings, viewport }: Look): string[] {
  const frame = { left: 0, top: 0, right: viewport.width, bottom: viewport.height };
  return drawings.flatMap(({ boxes }) =>
    boxes.filter((box) => !box.visible || !isWithin(box, frame)).map(({ id }) => id),
  );
}

/** The boxes that a drawing's live path goes through, in its order; the latency's sign, which may be on it, is none. */
export function boxesOnPath({ drawings }: Look, index: number): string[] {
  const { live, ...drawing } = drawings[index]!;
  const boxes = drawing.boxes.filter(({ id }) => id !== "latency");
  const passed = live.flatMap(({ x, y }) =>
    boxes.filter((box) => x > box.left && x < box.right && y > box.top && y < box.bottom).map(({ id }) => id),
  );
  return passed.filter((id, at) => id !== passed[at - 1]);
}

/** Pairs of texts one of which is on the other. */
export function overlappingTexts({ texts }: Look): string[] {
  return texts.flatMap((text, index) =>
    texts
      .slice(index + 1)
      .filter((other) => touches(text, other))
      .map((other) => `${text.text} / ${other.text}`),
  );
}

/** Texts that reach out of their box, are covered, or too narrow to be read. */
export function spilledTexts({ texts }: Look): string[] {
  return texts
    .filter((text) => !isWithin(text, text.home) || !text.onTop || text.bottom - text.top < 8)
    .map((text) => `${text.text} (${text.home.name})`);
}

/** Texts that a live path runs over. The latency's is made for that, on a ground of its own. */
export function crossedTexts({ drawings, texts }: Look): string[] {
  const points = drawings.flatMap(({ live }) => live);
  const isOn = (text: Text) =>
    points.some(({ x, y }) => x > text.left && x < text.right && y > text.top && y < text.bottom);
  return texts.filter((text) => text.home.name !== "latency" && isOn(text)).map(({ text }) => text);
}

/** Texts with less contrast to their ground than WCAG 2 asks for (AA). */
export function faintTexts({ texts }: Look): string[] {
  return texts
    .filter(({ colours: [ink, ground] }) => contrast(ink, ground) < 4.5)
    .map(({ text, colours }) => `${text}: ${colours.join(" on ")}`);
}

function isWithin(inner: Rect, outer: Rect): boolean {
  return (
    inner.left < inner.right &&
    inner.left >= outer.left - TOLERANCE &&
    inner.right <= outer.right + TOLERANCE &&
    inner.top >= outer.top - TOLERANCE &&
    inner.bottom <= outer.bottom + TOLERANCE
  );
}

function touches(a: Rect, b: Rect): boolean {
  const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return across > TOLERANCE && down > TOLERANCE;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/** Of `rgb(r, g, b)`; NaN, which passes no comparison, would hide a colour that we cannot read. */
function luminance(colour: string): number {
  const parts = /^rgb\((\d+), (\d+), (\d+)\)$/.exec(colour)?.slice(1).map(Number);
  if (!parts) throw new Error(`no plain colour: ${JSON.stringify(colour)}`);
  const [r = 0, g = 0, b = 0] = parts.map((part) =>
    part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
