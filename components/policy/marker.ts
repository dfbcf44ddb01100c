/** What a marker stands before. `section` is a `grants` or `tagOwners` key that was not there before us. */
export type MarkerKind = "grant" | "tag-owner" | "section" | "allow-all";

/**
 * What one marker comment says. It is the only thing in the file by which we know our own text again:
 * `// peer-relay: <owner> <kind>[#<index>] <digest> (<a word to the human>)`.
 */
export interface MarkerLabel {
  /** `project/stack/component[/part]`, or `*` for what belongs to no single owner. */
  owner: string;
  kind: MarkerKind;
  /** Place of a grant in its fragment, from 1; 0 for the other kinds. */
  index: number;
  /** Digest of the value as it was written; `-` for a section. */
  digest: string;
}

/** A marker at its place: `offset` is its first slash, `end` the end of its line (the line break is not part of it). */
export interface Marker extends MarkerLabel {
  offset: number;
  end: number;
}

/** The owner of what no single owner may take away: sections, the allow-all grant, an entry kept for others. */
export function nobody(): string {
  return "*";
}

/** Reads a line comment's text; undefined when it is not one of our markers. */
export function parseMarker(comment: string): MarkerLabel | undefined {
  const match =
    /^\/\/ peer-relay: (\S+) (?:(grant)#([1-9]\d{0,5})|(tag-owner|section|allow-all)) ([0-9a-f]{12}|-)(?= |$)/.exec(
      comment,
    );
  if (!match) {
    return undefined;
  }
  const [, owner = "", grant, index, other, hash = ""] = match;
  return { owner, kind: (grant ?? other) as MarkerKind, index: Number(index ?? 0), digest: hash };
}

/** The comment for a label; one line, no line break. */
export function formatMarker(label: MarkerLabel): string {
  const kind = label.kind === "grant" ? `grant#${label.index}` : label.kind;
  return `// peer-relay: ${label.owner} ${kind} ${label.digest} (${remark(label)})`;
}

function remark(label: MarkerLabel): string {
  switch (label.kind) {
    case "section":
      return "goes with its last entry";
    case "allow-all":
      return "what this file allowed before it had grants";
    case "grant":
      return "managed by Pulumi: change it in the stack";
    case "tag-owner":
      return label.owner === nobody()
        ? "its stacks are gone, but this file still refers to the tag"
        : "managed by Pulumi: change it in the stack";
  }
}
