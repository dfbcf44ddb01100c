import fc from "fast-check";
import { isMarker, marks, readTree, tokens, type Tree, type TreeItem } from "./hujson";

/*
 * People who edit the policy file in between: their own grants, comments, rules and tag owners, wherever they like, but
 * no value that stands behind a marker.
 */

const kinds = [
  "adds a grant",
  "removes a grant",
  "changes a grant",
  "comments",
  "comments on ours",
  "deletes a comment",
  "adds acls",
  "removes acls",
  "adds grants",
  "adds a tag owner",
  "removes a tag owner",
] as const;

export interface HumanEdit {
  /** Which of the kinds of edits that the file has a place for, and which of those places. */
  kind: number;
  place: number;
  /** What is written there, by what it is. */
  grant: string;
  tagOwner: string;
  comment: string;
}

export const humanEdit: fc.Arbitrary<HumanEdit> = fc.record({
  kind: fc.nat(),
  place: fc.nat(),
  grant: fc.oneof(
    fc.nat(99).map((i) => `{"src": ["h${i}@example.com"], "dst": ["tag:h"], "ip": ["tcp:${i}"]}`),
    fc.constantFrom(
      '{"src":["tag:relay"],\n"dst":["tag:a"],"app":{"x.com/y":[{"a":[1]}]}}',
      '{"ip":["tag:c"]}',
      "{}",
    ),
  ),
  tagOwner: fc.constantFrom('"tag:relay": ["group:h"]', '"tag:h": ["tag:a"]', '"t\\u0061g:c" : [/**/]'),
  comment: fc.constantFrom("/* by hand */", "// by hand\n", "\t// by\n\t// hand\n", "\n\n", "/*\n*/ "),
});

interface Change {
  offset: number;
  end: number;
  text: string;
}

/** The file after the edit. */
export function editByHand(text: string, edit: HumanEdit): string {
  const possible = kinds.map((kind) => placesOf(text, kind, edit)).filter((places) => places.length > 0);
  const places = possible[edit.kind % possible.length] ?? [];
  const changes = places[edit.place % places.length] ?? [];
  return [...changes]
    .sort((a, b) => b.offset - a.offset)
    .reduce((result, c) => result.slice(0, c.offset) + c.text + result.slice(c.end), text);
}

function placesOf(text: string, kind: (typeof kinds)[number], edit: HumanEdit): Change[][] {
  const root = readTree(text);
  const own = marks(text);
  const ours = new Set(own.map(({ from }) => from));
  const foreign = (tree: Tree | undefined): TreeItem[] =>
    (tree?.items ?? []).filter((i) => !ours.has(i.offset));
  const list = (name: RegExp): Tree | undefined => root.items.find(({ key = "" }) => name.test(key))?.tree;
  const [grants, acls, tagOwners] = [list(/^grants$/iu), list(/^acls$/iu), list(/^tagowners$/iu)];
  switch (kind) {
    case "adds a grant":
      return grants ? [...insertions(grants, foreign(grants), edit.grant)] : [];
    case "removes a grant":
      return foreign(grants).map(removal);
    case "changes a grant":
      return foreign(grants).map(({ tree }) => [{ offset: tree.offset, end: tree.end, text: edit.grant }]);
    case "comments":
      return gaps(text).map((at) => [commenting(text, at, edit.comment)]);
    case "comments on ours":
      return own
        .flatMap(({ offset, from, end, behind }) => [offset, from, end, behind])
        .map((at) => [commenting(text, at, edit.comment)]);
    case "deletes a comment":
      return tokens(text)
        .filter((token) => token.type === "comment" && !isMarker(text, token))
        .map(({ offset, end }) => [{ offset, end, text: "" }]);
    case "adds acls":
      return acls ? [] : insertions(root, foreign(root), `"acls": [${edit.grant}]`);
    case "removes acls":
      return root.items.filter(({ key = "" }) => /^acls$/iu.test(key)).map(removal);
    case "adds grants":
      // Beside ours that makes two, and a file that nobody can edit until one of them goes again.
      return edit.place % 4 === 0 ? insertions(root, foreign(root), `"grants": [${edit.grant}]`) : [];
    case "adds a tag owner":
      return tagOwners ? insertions(tagOwners, foreign(tagOwners), edit.tagOwner) : [];
    case "removes a tag owner":
      return foreign(tagOwners).map(removal);
  }
}

/** With the line breaks of that place, as an editor has them. Whose one is that stands before ours, nobody could say. */
function commenting(text: string, at: number, comment: string): Change {
  const eol = text.slice(0, at).match(/\r?\n/g)?.at(-1) ?? "\n";
  return insertion(at, comment.replaceAll("\n", eol));
}

function insertion(offset: number, text: string): Change {
  return { offset, end: offset, text };
}

/** At the container's start, before each of others' items, and behind the last one. */
function insertions({ offset, items }: Tree, foreign: TreeItem[], text: string): Change[][] {
  const last = items[items.length - 1];
  const behind = last?.comma === undefined ? (last?.tree.end ?? offset + 1) : last.comma + 1;
  return [
    [insertion(offset + 1, items.length > 0 ? `${text},` : text)],
    ...foreign.map((item) => [insertion(item.offset, `${text}, `)]),
    [insertion(behind, last && last.comma === undefined ? `, ${text}` : text)],
  ];
}

function removal({ offset, tree, comma }: TreeItem): Change[] {
  return [
    { offset, end: tree.end, text: "" },
    ...(comma === undefined ? [] : [{ offset: comma, end: comma + 1, text: "" }]),
  ];
}

/** In front of any token, or behind it: also between our marker and what it stands for. */
function gaps(text: string): number[] {
  return tokens(text)
    .filter(({ type }) => type !== "space")
    .flatMap(({ offset, end }) => (text.startsWith("//", offset) ? [offset] : [offset, end]));
}
