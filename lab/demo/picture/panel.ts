import { layOut, LINE_HEIGHT, type Box, type Layout, type Point } from "./layout";
import { Markup, markup } from "./markup";
import { describePath, stopOf, type LabState } from "./state";
import { widthOf, type Line } from "./text";

/** How much is cut off each corner of a line. */
const CORNER = 12;
const CHIP_HEIGHT = 26;

/** The lab at one moment, as inline SVG. `id` is its own in the page. */
export function panel(id: string, title: string, state: LabState): Markup {
  const layout = layOut(state);
  const { width, height, links, live, boxes } = layout;
  const margin = 4;
  const viewBox = [-margin, -margin, width + 2 * margin, height + 2 * margin].join(" ");
  const stop = stopOf(state);
  const used = [...boxes.filter(({ kind }) => kind === "device" || kind === "nat"), { id: stop }];
  const isLive = (box: Box) => used.some((other) => other.id === box.id);
  return markup`<svg class="via-${state.path.via}" viewBox="${viewBox}" role="img" aria-labelledby="${id}-title ${id}-desc">
<title id="${id}-title">${title}</title>
<desc id="${id}-desc">${describePath(state)}</desc>
${bandOf(layout, state)}
${links.map((points) => markup`<path class="link" d="${pathData(points)}"/>`)}
${boxes.map((box) => boxOf(box, isLive(box)))}
<path class="halo" d="${pathData(live)}"/>
<path class="live" data-live="" d="${pathData(live)}"/>
${[live[0]!, live.at(-1)!].map(({ x, y }) => markup`<circle class="end" cx="${x}" cy="${y}" r="7"/>`)}
${boxes.filter((box) => box.id === stop).map(({ lane }) => markup`<circle class="stop" cx="${lane.x}" cy="${lane.y}" r="7"/>`)}
${latencyOf(layout, state)}
</svg>`;
}

function bandOf({ band, bandText }: Layout, { internet }: LabState): Markup {
  const { x, y, width, height } = band;
  return markup`<g data-box="internet">
<rect class="band" x="${x}" y="${y}" width="${width}" height="${height}" rx="12"/>
<text class="label" x="${bandText.x}" y="${bandText.y}">internet, router ${internet.router}</text>
</g>`;
}

function boxOf({ id, kind, x, y, width, height, lane, lines, text }: Box, isLive: boolean): Markup {
  const idle = !isLive && (kind === "relay" || kind === "derp");
  const dot = idle ? [markup`<circle class="idle" cx="${lane.x}" cy="${lane.y}" r="4"/>`] : [];
  const look = `box ${kind}${isLive ? " on-path" : ""}`;
  return markup`<g data-box="${id}">
<rect class="${look}" x="${x}" y="${y}" width="${width}" height="${height}" rx="10"/>
${dot}
${lines.flatMap((line, index) => lineText(line, text, text.top + index * LINE_HEIGHT))}
</g>`;
}

function lineText({ value, label, tone }: Line, { left, right }: Box["text"], y: number): Markup[] {
  return [
    ...(value ? [markup`<text class="${tone ?? "value"}" x="${left}" y="${y}">${value}</text>`] : []),
    ...(label ? [markup`<text class="label" text-anchor="end" x="${right}" y="${y}">${label}</text>`] : []),
  ];
}

function latencyOf({ latency: { x, y } }: Layout, { path }: LabState): Markup {
  const width = widthOf(path.latency) + 26;
  return markup`<g data-box="latency">
<rect class="chip" x="${x - width / 2}" y="${y - CHIP_HEIGHT / 2}" width="${width}" height="${CHIP_HEIGHT}" rx="${CHIP_HEIGHT / 2}"/>
<text class="chip-text" text-anchor="middle" x="${x}" y="${y + 4.5}">${path.latency}</text>
</g>`;
}

/** A line through the points, with rounded corners. */
function pathData(points: Point[]): string {
  return points
    .map((point, index) => {
      const [before, after] = [points[index - 1], points[index + 1]];
      if (!before) return `M${point.x} ${point.y}`;
      if (!after) return `L${point.x} ${point.y}`;
      const [start, end] = [towards(point, before), towards(point, after)];
      return `L${start.x} ${start.y}Q${point.x} ${point.y} ${end.x} ${end.y}`;
    })
    .join("");
}

/** The point on the way from one to another at which the corner's curve begins. */
function towards(from: Point, to: Point): Point {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const part = length === 0 ? 0 : Math.min(CORNER, length / 2) / length;
  return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
}
