/**
 * A second opinion, written without the code under test and without jsonc-parser: HuJSON's tokens, its value by way of
 * JSON.parse, and our spans found by their markers alone.
 */
export interface Token {
  type: "space" | "comment" | "text" | "literal" | "punctuation";
  offset: number;
  end: number;
}

export function tokens(text: string): Token[] {
  const pattern =
    /([ \t\r\n]+)|(\/\/[^\n]*?(?=\r?\n)|\/\*[^]*?\*\/)|("(?:[^"\\\u0000-\u001f]|\\[^\u0000-\u001f])*")|([a-z0-9+.A-Z-]+)|([[\]{}:,])/y;
  const types = ["space", "comment", "text", "literal", "punctuation"] as const;
  const found: Token[] = [];
  pattern.lastIndex = text.startsWith("\uFEFF") ? 1 : 0;
  while (pattern.lastIndex < text.length) {
    const offset = pattern.lastIndex;
    const match = pattern.exec(text);
    if (!match) {
      throw new SyntaxError(
        `no HuJSON token at ${offset}: ${JSON.stringify(text.slice(offset, offset + 20))}`,
      );
    }
    const type = types[match.slice(1).findIndex((group) => group !== undefined)];
    found.push({ type: type ?? "space", offset, end: pattern.lastIndex });
  }
  return found;
}

/** The value of a HuJSON text; throws when it is not HuJSON. */
export function readHujson(text: string): unknown {
  const parts = tokens(text)
    .filter(({ type }) => type !== "space" && type !== "comment")
    .map(({ offset, end }) => text.slice(offset, end));
  const standard = parts.filter(
    (part, i) =>
      part !== "," ||
      !["}", "]"].includes(parts[i + 1] ?? "") ||
      ["{", "[", ",", ":"].includes(parts[i - 1] ?? "{"),
  );
  return JSON.parse(standard.join(" "));
}

/**
 * The text without what is ours: marker lines, the values behind them with their commas, the brackets of our sections,
 * each with its line break. What others wrote in between stays; and so does a line break of ours that ends a comment of
 * theirs, where they wrote behind ours.
 */
export function cutSpans(text: string): string {
  const lineComments = tokens(text).filter(
    ({ type, offset }) => type === "comment" && text[offset + 1] === "/",
  );
  const ends = new Set(lineComments.map(({ end }) => end));
  let result = "";
  let at = 0;
  let lineBreak = "";
  for (const { offset, end } of [...spans(text), { offset: text.length, end: text.length }]) {
    const part = text.slice(at, offset);
    result += (part === "" || /^[ \t]*\r?\n/.test(part) ? "" : lineBreak) + part;
    if (part !== "") {
      lineBreak = ends.has(offset) ? (/^\r?\n/.exec(text.slice(offset, offset + 2))?.[0] ?? "") : "";
    }
    at = end;
  }
  return result;
}

interface Span {
  offset: number;
  end: number;
}

/** What {@link cutSpans} takes out, in the order of the file. */
function spans(text: string): Span[] {
  const all = tokens(text);
  const found: Span[] = [];
  let at = 0;
  for (let i = 0; i < all.length; i++) {
    const token = all[i];
    if (!token || token.offset < at || !isMarker(text, token)) {
      continue;
    }
    const value = valueBehind(text, all, i);
    const isSection = text.slice(token.offset, token.end).includes(" section ");
    const rest = isSection ? cutSpans(text.slice(...value.inner)) : "";
    if (tokens(rest).some(({ type }) => type !== "space" && type !== "comment")) {
      continue;
    }
    const isNext = !all.slice(i + 1).some((next) => next.offset < value.from && isMarker(text, next));
    const parts =
      rest.trim() === ""
        ? [value]
        : [
            { from: value.from, end: value.inner[0] },
            { from: value.inner[1], end: value.end },
          ];
    found.push({ offset: lineStart(text, token.offset), end: token.end });
    if (isNext) {
      found.push(
        ...parts.map(({ from, end }) => ({ offset: lineStart(text, from), end })),
        commaBehind(text, value.end),
      );
      at = rest.trim() === "" ? value.end : token.end;
    }
  }
  return joined(found);
}

/** With its line break, where nothing but white space is in front of it on its line. */
function lineStart(text: string, offset: number): number {
  const line = text.lastIndexOf("\n", offset - 1);
  if (line < 0 || /[^ \t]/.test(text.slice(line + 1, offset))) {
    return offset;
  }
  return text[line - 1] === "\r" ? line - 1 : line;
}

function commaBehind(text: string, end: number): Span {
  const gap = /(?:\/\/[^\n]*\n|\/\*[^]*?\*\/|[ \t\r\n])*,/y;
  gap.lastIndex = end;
  const [found] = gap.exec(text) ?? [];
  if (found === undefined) {
    throw new Error(`the span that ends at ${end} has no comma of its own`);
  }
  const comma = end + found.length - 1;
  return { offset: text.slice(end, comma).trim() === "" ? end : comma, end: comma + 1 };
}

/** In order, and one where the next begins where the one before ends, or inside. */
function joined(all: Span[]): Span[] {
  const result: Span[] = [];
  for (const span of [...all].sort((a, b) => a.offset - b.offset)) {
    const last = result[result.length - 1];
    if (last && span.offset <= last.end) {
      last.end = Math.max(last.end, span.end);
    } else {
      result.push({ ...span });
    }
  }
  return result;
}

/** One marker line of ours, and the value or member behind it. */
export interface Mark {
  owner: string;
  /** `grant#1`, `tag-owner`, `section` or `allow-all`. */
  what: string;
  offset: number;
  /** Where the value or member behind it starts and ends, and behind its comma. */
  from: number;
  end: number;
  behind: number;
  /** A member's as an object of its own. */
  value: unknown;
}

export function marks(text: string): Mark[] {
  const all = tokens(text);
  return all.flatMap((token, i) => {
    if (!isMarker(text, token)) {
      return [];
    }
    const [, , owner = "", what = ""] = text.slice(token.offset, token.end).split(" ");
    const { from, end } = valueBehind(text, all, i);
    const source = text.slice(from, end);
    const behind = commaBehind(text, end).end;
    return [
      {
        owner,
        what,
        offset: token.offset,
        from,
        end,
        behind,
        value: readHujson(source.startsWith("{") ? source : `{${source}}`),
      },
    ];
  });
}

/** A value with the places of what is in it. */
export interface Tree {
  offset: number;
  end: number;
  /** Elements, or members; none of anything else. */
  items: TreeItem[];
}

export interface TreeItem {
  /** A member's name. */
  key: string | undefined;
  offset: number;
  tree: Tree;
  /** Offset of the comma behind it, if there is one. */
  comma: number | undefined;
}

/** The root's value; for a text that {@link readHujson} takes. */
export function readTree(text: string): Tree {
  const parts = tokens(text).filter(({ type }) => type !== "space" && type !== "comment");
  let at = 0;
  const is = (char: string): boolean => text[parts[at]?.offset ?? -1] === char;
  const value = (): Tree => {
    const first = parts[at++];
    if (!first) {
      throw new SyntaxError("no value");
    }
    const close = { "{": "}", "[": "]" }[text[first.offset] ?? ""];
    const items: TreeItem[] = [];
    while (close && !is(close)) {
      const { offset = 0, end } = parts[at] ?? {};
      const key = close === "}" ? (JSON.parse(text.slice(offset, end)) as string) : undefined;
      at += close === "}" ? 2 : 0;
      const tree = value();
      items.push({ key, offset, tree, comma: is(",") ? parts[at++]?.offset : undefined });
    }
    return { offset: first.offset, end: (close ? parts[at++] : first)?.end ?? first.end, items };
  };
  return value();
}

/** Whether it is one of our marker lines. */
export function isMarker(text: string, { type, offset, end }: Token): boolean {
  return (
    type === "comment" &&
    /^\/\/ peer-relay: \S+ (grant#[1-9]\d*|tag-owner|section|allow-all) ([0-9a-f]{12}|-) \(/.test(
      text.slice(offset, end),
    )
  );
}

/** The next value, or member, behind a token; `inner` is what its brackets hold. */
function valueBehind(
  text: string,
  all: Token[],
  index: number,
): { from: number; end: number; inner: [number, number] } {
  let i = index + 1;
  const next = (): Token => {
    while (all[i]?.type === "space" || all[i]?.type === "comment") {
      i++;
    }
    const token = all[i++];
    if (!token) {
      throw new Error("nothing behind the marker");
    }
    return token;
  };
  const first = next();
  let token = first;
  const colon = all.slice(i).find(({ type }) => type !== "space" && type !== "comment");
  if (token.type === "text" && colon && text[colon.offset] === ":") {
    next();
    token = next();
  }
  const open = token.end;
  let depth = 0;
  for (;;) {
    const char = text.slice(token.offset, token.end);
    depth += char === "{" || char === "[" ? 1 : char === "}" || char === "]" ? -1 : 0;
    if (depth === 0) {
      return { from: first.offset, end: token.end, inner: [open, token.offset] };
    }
    token = next();
  }
}
