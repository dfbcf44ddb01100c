import type * as jsonc from "jsonc-parser";

/** All texts of a parsed value, names of members included, that have "tag:" in them; `skip` leaves a part out. */
export function tagTexts(node: jsonc.Node, skip: (node: jsonc.Node) => boolean): string[] {
  const found: string[] = [];
  const pending: jsonc.Node[] = [node];
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (skip(next)) {
      continue;
    }
    if (next.type === "string" && String(next.value).includes("tag:")) {
      found.push(String(next.value));
    }
    for (const child of next.children ?? []) {
      pending.push(child);
    }
  }
  return found;
}

/**
 * Whether a text names a tag: alone, with a port (`tag:x:443`), or anywhere inside a longer text. Rather once too
 * often than once too little: a tag that is still used must keep its owners, or the whole file is refused.
 */
export function namesTag(text: string, tag: string): boolean {
  const isNameChar = (char: string | undefined): boolean => char !== undefined && /[A-Za-z0-9-]/.test(char);
  for (let at = text.indexOf(tag); at >= 0; at = text.indexOf(tag, at + 1)) {
    if (!isNameChar(text[at - 1]) && !isNameChar(text[at + tag.length])) {
      return true;
    }
  }
  return false;
}
