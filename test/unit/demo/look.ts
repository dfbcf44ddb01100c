import { pathToFileURL } from "node:url";
import type { BrowserContext } from "playwright-core";

export interface Rect {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** A piece of text as it is laid out: one line of it. */
export interface Text extends Rect {
  text: string;
  /** What it belongs into: its box, or for text outside of the drawings the element that it is in. */
  home: Rect & { name: string };
  /** Whether it is the topmost thing where it is. */
  onTop: boolean;
  /** Its colour and that of what is behind it. */
  colours: [string, string];
}

/** One of the drawings. */
export interface Drawing {
  boxes: (Rect & { id: string; visible: boolean })[];
  /** Points of the live path, one for each CSS pixel or so; empty when it does not show. */
  live: { x: number; y: number }[];
}

/** What a browser shows of a page. */
export interface Look {
  viewport: { width: number; height: number };
  /** How large the page is. */
  page: { width: number; height: number };
  drawings: Drawing[];
  texts: Text[];
  /** Elements by name that the picture's texts brought in; of the mark that tests put into them. */
  marks: number;
  problems: string[];
}

export interface LookOptions {
  width?: number;
  height?: number;
  colours?: "light" | "dark";
}

/** Opens a file and measures what is to be seen. */
export async function lookAt(context: BrowserContext, file: string, o: LookOptions = {}): Promise<Look> {
  const page = await context.newPage();
  const problems: string[] = [];
  const url = pathToFileURL(file).href;
  page.on("console", (message) => problems.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => problems.push(`error: ${error.message}`));
  page.on("request", (request) => {
    if (request.url() !== url) problems.push(`request: ${request.url()}`);
  });
  try {
    await page.setViewportSize({ width: o.width ?? 1366, height: o.height ?? 1100 });
    await page.emulateMedia({ colorScheme: o.colours ?? "light" });
    await page.goto(url);
    const seen = (await page.evaluate(MEASURE)) as Omit<Look, "problems">;
    return { ...seen, problems };
  } finally {
    await page.close();
  }
}

/** Runs in the page. As text, because what our compiler makes of a function needs a helper that the page has not. */
const MEASURE = `(() => {
  const rect = ({ left, top, right, bottom }) => ({ left, top, right, bottom });
  const shows = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const paint = (element) => {
    const { fill, backgroundColor } = getComputedStyle(element);
    return element instanceof SVGGeometryElement ? fill : backgroundColor;
  };
  const solid = (colour) => colour !== "none" && colour !== "rgba(0, 0, 0, 0)";
  const drawings = [...document.querySelectorAll("section svg")].map((svg) => ({
    boxes: [...svg.querySelectorAll("[data-box]")].map((group) => {
      const shape = group.querySelector("rect");
      return { id: group.dataset.box, visible: shows(shape), ...rect(shape.getBoundingClientRect()) };
    }),
    live: [...svg.querySelectorAll("[data-live]")].filter(shows).flatMap((path) => {
      const { stroke, strokeWidth } = getComputedStyle(path);
      if (!solid(stroke) || parseFloat(strokeWidth) < 2) return [];
      const length = path.getTotalLength();
      const matrix = path.getScreenCTM();
      return Array.from({ length: Math.ceil(length) + 1 }, (_, at) => {
        const { x, y } = path.getPointAtLength(Math.min(at, length)).matrixTransform(matrix);
        return { x, y };
      });
    }),
  }));
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.data.trim()) continue;
    const parent = node.parentElement;
    const box = parent.closest("[data-box]");
    const home = box ? box.querySelector("rect") : parent.closest("p, h1, h2, li, pre") ?? parent;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const line of range.getClientRects()) {
      const stack = document.elementsFromPoint((line.left + line.right) / 2, (line.top + line.bottom) / 2);
      const behind = stack.slice(1).map(paint).find(solid);
      const { fill, color } = getComputedStyle(parent);
      texts.push({
        text: node.data.trim(),
        ...rect(line),
        home: { name: box ? box.dataset.box : home.tagName.toLowerCase(), ...rect(home.getBoundingClientRect()) },
        onTop: stack[0] === parent,
        colours: [box ? fill : color, behind ?? ""],
      });
    }
  }
  const { scrollWidth, scrollHeight } = document.documentElement;
  return {
    viewport: { width: innerWidth, height: innerHeight },
    page: { width: scrollWidth, height: scrollHeight },
    drawings,
    texts,
    marks: document.querySelectorAll("i").length,
  };
})()`;
