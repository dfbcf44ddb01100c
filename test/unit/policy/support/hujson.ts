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
    /([ \t\r\n]+)|(\/\/[^\n]*(?=\n)|\/\*[^]*?\*\/)|("(?:[^"\\\u0000-\u001f]|\\[^\u0000-\u001f])*")|([a-z0-9+.A-Z-]+)|([[\]{}:,])/y;
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

/** The text without anything that stands behind a marker of ours: line break, marker lines, value, comma. */
export function cutSpans(text: string): string {
  const all = tokens(text);
  let result = "";
  let at = 0;
  for (let i = 0; i < all.length; i++) {
    const token = all[i];
    if (!token || token.offset < at || !isMarker(text, token)) {
      continue;
    }
    const isSection = text.slice(token.offset, token.end).includes(" section ");
    const { from, end, inner } = valueBehind(text, all, i);
    if (isSection && cutSpans(text.slice(...inner)).trim() !== "") {
      continue;
    }
    const before = /\r?\n[ \t]*$/.exec(text.slice(at, token.offset));
    if (!before || from <= token.end) {
      throw new Error(`the span at ${token.offset} does not start its own line`);
    }
    result += text.slice(at, at + before.index);
    if (text[end] !== ",") {
      throw new Error(`the span at ${token.offset} does not end with its own comma`);
    }
    at = end + 1;
  }
  return result + text.slice(at);
}

function isMarker(text: string, { type, offset, end }: Token): boolean {
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
  if (token.type === "text" && text[token.end] === ":") {
    i++;
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
