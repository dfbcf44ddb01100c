import * as jsonc from "jsonc-parser";
import { type Item, lineAt, lineCommentEnd, type PolicyDocument } from "./document";
import { grantPart, tagPart } from "./fragment-status";
import { type Marker, parseMarker } from "./marker";
import { parseAnyPolicy } from "./merge";
import { isUnedited, markedGrants } from "./plan-grants";
import { claimsOf, isVouched } from "./plan-tag-owners";

/** One entry of a policy file that has, or had, a marker of ours. */
export interface OwnedPart {
  /** As the marker says; `*` for what belongs to no single owner and goes with the last one. */
  owner: string;
  /**
   * `grants[0]` (its place in its fragment, not in the file), `tagOwners["tag:relay"]`, `allow-all`, or `grants` and
   * `tagOwners` for a list that was not in the file before us.
   */
  part: string;
  /** Line of the entry, from 1; of the marker where the entry is lost. */
  line: number;
  /**
   * - `written`: the entry says what its marker was written for.
   * - `edited`: somebody changed it since.
   * - `lost`: a marker with nothing behind it that it could mean.
   */
  state: "written" | "edited" | "lost";
  /** What the file says there; not for lists and what is lost. */
  value?: unknown;
}

/**
 * All that this package has in a policy file, of all owners, in the order of the file. A tag's entry comes once for
 * each owner that claims it.
 *
 * @throws PolicyError `invalid-policy`
 */
export function ownedParts(policyText: string): OwnedPart[] {
  const doc = parseAnyPolicy(policyText);
  const found = [...grantParts(doc), ...tagParts(doc), ...sectionParts(doc)];
  const attached = new Set(found.map(({ marker }) => marker.offset));
  const lost = allMarkers(doc.text).filter(({ offset }) => !attached.has(offset));
  return [
    ...found.map(({ part }) => part),
    ...lost.map((marker) => ({
      owner: marker.owner,
      part: lostPart(marker),
      line: lineAt(doc, marker.offset),
      state: "lost" as const,
    })),
  ].sort((a, b) => a.line - b.line);
}

/** Every marker comment of a valid policy file, wherever it stands. */
export function allMarkers(text: string): Marker[] {
  const markers: Marker[] = [];
  const onComment = (offset: number) => {
    if (!text.startsWith("//", offset)) return;
    const end = lineCommentEnd(text, offset);
    const label = parseMarker(text.slice(offset, end));
    if (label) markers.push({ ...label, offset, end });
  };
  jsonc.visit(text, { onComment }, { allowTrailingComma: true, disallowComments: false });
  return markers;
}

interface Found {
  marker: Marker;
  part: OwnedPart;
}

function grantParts(doc: PolicyDocument): Found[] {
  return markedGrants(doc).map((found) => {
    const { marker, item } = found;
    const name = marker.kind === "grant" ? grantPart(marker.index) : "allow-all";
    return { marker, part: entryPart(doc, marker, item, name, isUnedited(found)) };
  });
}

function tagParts(doc: PolicyDocument): Found[] {
  return (doc.tagOwners?.items ?? []).flatMap((item) =>
    claimsOf(item).map((marker) => ({
      marker,
      part: entryPart(doc, marker, item, tagPart(item.key), isVouched(item)),
    })),
  );
}

function sectionParts(doc: PolicyDocument): Found[] {
  const members = [doc.grants, doc.tagOwners].flatMap((section) => section?.member ?? []);
  return members.flatMap(({ markers, key = "", offset }) =>
    markers
      .filter(({ kind }) => kind === "section")
      .map((marker) => {
        const part = { owner: marker.owner, part: key, line: lineAt(doc, offset), state: "written" as const };
        return { marker, part };
      }),
  );
}

function entryPart(
  doc: PolicyDocument,
  { owner }: Marker,
  item: Item,
  part: string,
  isWritten: boolean,
): OwnedPart {
  return {
    owner,
    part,
    line: lineAt(doc, item.offset),
    state: isWritten ? "written" : "edited",
    value: jsonc.getNodeValue(item.valueNode) as unknown,
  };
}

/** A lost marker names no tag, only a digest. */
function lostPart({ kind, index }: Marker): string {
  switch (kind) {
    case "grant":
      return grantPart(index);
    case "tag-owner":
      return "tagOwners";
    case "allow-all":
    case "section":
      return kind;
  }
}
