import * as jsonc from "jsonc-parser";
import { invalidPolicy } from "./policy-error";

/**
 * Where jsonc-parser accepts more than Tailscale does, and where it would run out of stack. By its scanner, which goes
 * through the text without descending into it.
 *
 * @throws PolicyError `invalid-policy`
 */
export function checkStrictness(text: string): void {
  const surrogate = /\p{Surrogate}/u.exec(text);
  if (surrogate) {
    throw invalidPolicy(text, surrogate.index, "not valid Unicode");
  }
  // Far more than any policy has; from about 2,500 on, reading a value takes more stack than Node has.
  const deepest = 1000;
  let depth = 0;
  const scanner = jsonc.createScanner(text);
  for (let kind = scanner.scan(); kind !== jsonc.SyntaxKind.EOF; kind = scanner.scan()) {
    depth += depthChange(kind);
    if (depth > deepest) {
      throw invalidPolicy(text, scanner.getTokenOffset(), `nested more than ${deepest} levels deep`);
    }
    if (kind === jsonc.SyntaxKind.LineCommentTrivia) {
      checkLineComment(text, scanner.getTokenOffset(), scanner.getPosition());
    }
  }
}

function depthChange(kind: jsonc.SyntaxKind): number {
  if (kind === jsonc.SyntaxKind.OpenBraceToken || kind === jsonc.SyntaxKind.OpenBracketToken) {
    return 1;
  }
  return kind === jsonc.SyntaxKind.CloseBraceToken || kind === jsonc.SyntaxKind.CloseBracketToken ? -1 : 0;
}

/**
 * jsonc-parser ends a `//` comment at a lone carriage return, Tailscale only at a line feed: what one takes for a rule
 * is a comment for the other. And Tailscale wants the line feed, even at the end of the file.
 */
function checkLineComment(text: string, offset: number, end: number): void {
  if (!text.startsWith("\n", end) && !text.startsWith("\r\n", end)) {
    throw invalidPolicy(text, end, "a // comment must end with a line feed");
  }
  if (/[\u2028\u2029]/.test(text.slice(offset, end))) {
    throw invalidPolicy(text, offset, "a // comment must not have a Unicode line separator in it");
  }
}
