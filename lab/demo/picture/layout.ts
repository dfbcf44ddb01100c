import { deviceContents, natContents, relayContents, serverContents, type Contents } from "./contents";
import { stopOf, type LabState } from "./state";
import { linesOf, type Line } from "./text";

export interface Point {
  x: number;
  y: number;
}

/** A box in its place. */
export interface Box extends Omit<Contents, "rows"> {
  x: number;
  y: number;
  width: number;
  height: number;
  lines: Line[];
  /** Where its lines begin and end, and the baseline of the first one. */
  text: { left: number; right: number; top: number };
  /** Where the live path goes through, or would: a strip that text keeps clear of. */
  lane: Point;
}

/** Where all of the picture is. */
export interface Layout {
  width: number;
  height: number;
  /** The internet: a band between the two NATs, to which everything else is attached. */
  band: { x: number; y: number; width: number; height: number };
  boxes: Box[];
  /** Links that packets between the devices do not take now. */
  links: Point[][];
  /** The live path: one line from device to device. */
  live: Point[];
  /** Where its latency stands, and on which side of the line the band's own text is. */
  latency: Point;
  bandText: Point;
}

export const LINE_HEIGHT = 17;
const WIDTH = 1280;
const SIDE = 196;
const COLUMNS = 3;
const COLUMN = 253;
/** Between two columns; the live path goes up and down there. */
const GUTTER = 20;
const GAP = 26;
const PADDING = 12;
/** How wide the strip for the live path is, at one side of each box. */
const LANE = 30;
const BAND = { x: SIDE + 24, width: WIDTH - 2 * (SIDE + 24), height: 62 };

/**
 * The devices and their NATs stand left and right, the internet lies between the NATs, what helps devices to find each
 * other is above it, and the relays are below. Rows that are farther from the internet are reached between the columns.
 */
export function layOut(state: LabState): Layout {
  const [from, to] = state.devices;
  const servers = rowsOfBoxes(serverContents(state), "bottom");
  const devices = [deviceBox(deviceContents(from), "left"), deviceBox(deviceContents(to), "right")];
  const top = Math.max(heightOf(servers), ...devices.map(({ height }) => height));
  const band = { ...BAND, y: top + GAP };
  const middle = band.y + band.height / 2;
  const nats = [deviceBox(natContents(from), "left"), deviceBox(natContents(to), "right")];
  for (const device of devices) shift(device, top - device.height);
  for (const nat of nats) shift(nat, middle - nat.height / 2);
  const relays = rowsOfBoxes(relayContents(state), "top");
  for (const box of servers.flat()) shift(box, top - heightOf(servers));
  for (const box of relays.flat()) shift(box, band.y + band.height + GAP);

  const boxes = [...devices, ...nats, ...servers.flat(), ...relays.flat()];
  const id = stopOf(state);
  const stop = boxes.find((box) => box.id === id);
  const idle = (rows: Box[][]) => rows.map((row) => row.filter((box) => box !== stop && box.kind !== "none"));
  const links = [
    ...idle(servers).flatMap((row, at) => row.map((box) => linkOf(box, band.y, at === servers.length - 1))),
    ...idle(relays).flatMap((row, at) => row.map((box) => linkOf(box, band.y + band.height, at === 0))),
  ];
  const center = { x: stop ? stop.x + stop.width / 2 : WIDTH / 2, y: middle };
  const isAbove = stop !== undefined && stop.y < middle;
  return {
    width: WIDTH,
    height: Math.max(...boxes.map((box) => box.y + box.height)),
    band,
    boxes,
    links,
    live: livePath(devices.map((box) => box.lane) as [Point, Point], middle, stop),
    latency: center,
    bandText: { x: band.x + 2 * PADDING, y: isAbove ? band.y + band.height - 9 : band.y + 18 },
  };
}

/** From the one device into the internet, by the box between (if there is one), and on to the other device. */
function livePath([from, to]: [Point, Point], middle: number, stop: Box | undefined): Point[] {
  const detour = stop ? detourThrough(stop, middle) : [];
  return [from, { x: from.x, y: middle }, ...detour, { x: to.x, y: middle }, to];
}

function detourThrough(box: Box, middle: number): Point[] {
  const [left, right] = [box.x - GUTTER / 2, box.x + box.width + GUTTER / 2];
  const { y } = box.lane;
  return [
    { x: left, y: middle },
    { x: left, y },
    { x: right, y },
    { x: right, y: middle },
  ];
}

function linkOf(box: Box, edge: number, isNext: boolean): Point[] {
  const center = box.x + box.width / 2;
  const near = edge < box.y ? box.y : box.y + box.height;
  if (isNext) return [{ x: center, y: near }, { x: center, y: edge }]; // prettier-ignore
  const x = box.x - GUTTER / 2;
  return [
    { x: box.x, y: box.lane.y },
    { x, y: box.lane.y },
    { x, y: edge },
  ];
}

/** Boxes in rows, from y = 0 on; a single row is centred. The live path goes through at the top or at the bottom. */
function rowsOfBoxes(all: Contents[], lane: "top" | "bottom"): Box[][] {
  const rows: Box[][] = [];
  let y = 0;
  for (let start = 0; start < all.length; start += COLUMNS) {
    const some = all.slice(start, start + COLUMNS);
    const used = all.length < COLUMNS ? all.length : COLUMNS;
    const first = BAND.x + (BAND.width - used * COLUMN - (used - 1) * GUTTER) / 2;
    const row = some.map((contents, column) => gridBox(contents, first + column * (COLUMN + GUTTER), lane));
    const height = Math.max(...row.map((box) => box.height));
    for (const box of row) {
      if (lane === "bottom") box.lane.y += height - box.height;
      box.height = height;
      shift(box, y);
    }
    rows.push(row);
    y += height + GAP;
  }
  return rows;
}

function gridBox({ rows, ...what }: Contents, x: number, lane: "top" | "bottom"): Box {
  const lines = rows.flatMap((row) => linesOf(row, COLUMN - 2 * PADDING));
  const room = what.kind === "none" ? 0 : LANE;
  const height = lines.length * LINE_HEIGHT + 2 * PADDING + room - 4;
  const top = (lane === "top" ? room : 0) + PADDING + 10;
  return {
    ...what,
    ...{ x, y: 0, width: COLUMN, height, lines },
    text: { left: x + PADDING, right: x + COLUMN - PADDING, top },
    lane: { x: x + COLUMN / 2, y: lane === "top" ? LANE / 2 + 3 : height - LANE / 2 - 3 },
  };
}

function deviceBox({ rows, ...what }: Contents, side: "left" | "right"): Box {
  const x = side === "left" ? 0 : WIDTH - SIDE;
  const lines = rows.flatMap((row) => linesOf(row, SIDE - PADDING - LANE - 6));
  const height = lines.length * LINE_HEIGHT + 2 * PADDING - 4;
  const [left, right] = side === "left" ? [PADDING, LANE + 6] : [LANE + 6, PADDING];
  return {
    ...what,
    ...{ x, y: 0, width: SIDE, height, lines },
    text: { left: x + left, right: x + SIDE - right, top: PADDING + 10 },
    lane: { x: side === "left" ? SIDE - LANE / 2 - 3 : x + LANE / 2 + 3, y: height / 2 },
  };
}

function shift(box: Box, by: number): void {
  box.y += by;
  box.text.top += by;
  box.lane.y += by;
}

function heightOf(rows: Box[][]): number {
  const last = rows.at(-1)?.[0];
  return last ? last.y + last.height : 0;
}
