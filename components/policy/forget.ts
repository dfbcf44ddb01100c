import { parsePolicy, type PolicyDocument, type Section } from "./document";
import { applyEdits, cutMarker, type Edit } from "./edits";
import { type Marker, type MarkerKind, nobody } from "./marker";
import { splitByteOrderMark } from "./merge";
import { allMarkers } from "./owned-parts";
import { claimsOf, leaveToOthers } from "./plan-tag-owners";

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
  const { mark, body } = splitByteOrderMark(policyText);
  const doc = parsePolicy(body);
  const markers = allMarkers(doc.text);
  const mine = markers.filter((marker) => marker.owner === owner);
  if (mine.length === 0) {
    return policyText;
  }
  const left = markers.filter((marker) => marker.owner !== owner);
  const edits = [
    ...mine.map((marker) => cutMarker(doc, marker)),
    ...handedOver(doc, owner),
    ...emptied(doc, doc.grants, left, "grant"),
    ...emptied(doc, doc.tagOwners, left, "tag-owner"),
  ];
  const edited = applyEdits(doc, edits);
  parsePolicy(edited); // never hand out what could not be read again
  return mark + edited;
}

/** What other owners' markers have to say, where only this owner's had said what the entry says. */
function handedOver(doc: PolicyDocument, owner: string): Edit[] {
  const plan = { doc, edits: [] as Edit[] };
  for (const item of doc.tagOwners?.items ?? []) {
    const claims = claimsOf(item);
    const mine = claims.filter((marker) => marker.owner === owner);
    const others = claims.filter((marker) => marker.owner !== owner && marker.owner !== nobody());
    leaveToOthers(plan, item, mine, others);
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
