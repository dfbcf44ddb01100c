import type { PolicyDocument, Section } from "./document";
import { cutMarker, type Edit } from "./edits";
import { type Marker, type MarkerKind, nobody } from "./marker";
import { editDocument } from "./merge";
import { allMarkers } from "./owned-parts";
import { claimsBy, leaveToOthers } from "./plan-tag-owners";

/**
 * Takes an owner's markers out of a policy file, those with nothing behind them too, and leaves all entries: they are
 * those people's own who wrote or edited them. With the last owner's, also the markers of what belongs to no
 * single one. An entry that other owners claim as well stays theirs.
 *
 * A grant that still says exactly what a stack says is known again by the stack, which takes it for one of its own
 * that lost its marker.
 *
 * @throws PolicyError `invalid-policy`
 */
export function forgetOwner(policyText: string, owner: string): string {
  return editDocument(policyText, (doc) => {
    const markers = allMarkers(doc.text);
    const mine = markers.filter((marker) => marker.owner === owner);
    if (mine.length === 0) {
      return [];
    }
    const left = markers.filter((marker) => marker.owner !== owner);
    return [
      ...mine.map((marker) => cutMarker(doc, marker)),
      ...handedOver(doc, owner),
      ...emptied(doc, doc.grants, left, "grant"),
      ...emptied(doc, doc.tagOwners, left, "tag-owner"),
    ];
  });
}

/** What other owners' markers have to say, where only this owner's had said what the entry says. */
function handedOver(doc: PolicyDocument, owner: string): Edit[] {
  const plan = { doc, edits: [] as Edit[] };
  for (const item of doc.tagOwners?.items ?? []) {
    leaveToOthers(plan, item, claimsBy(item, owner));
  }
  return plan.edits;
}

/** The markers of nobody in a list that has no entry of ours any more. */
function emptied(
  doc: PolicyDocument,
  section: Section | undefined,
  left: Marker[],
  kind: MarkerKind,
): Edit[] {
  if (!section || left.some((marker) => marker.kind === kind)) {
    return [];
  }
  const shared = [...section.member.markers, ...section.items.flatMap(({ markers }) => markers)];
  return shared.filter((marker) => marker.owner === nobody()).map((marker) => cutMarker(doc, marker));
}
