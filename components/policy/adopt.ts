import { type Item, itemDigest, type PolicyDocument } from "./document";
import type { Edit } from "./edits";
import type { PolicyFragment } from "./fragment";
import { itemIndent, type Layout, readLayout, spanStart } from "./layout";
import { formatMarker, type MarkerLabel } from "./marker";
import { editDocument } from "./merge";
import { relabel } from "./plan";
import { grantLabel, isUnedited, markedGrants, ownGrants, unmarkedSaying } from "./plan-grants";
import { claimsOf, isVouched } from "./plan-tag-owners";

/**
 * Makes what somebody edited by hand behind an owner's markers the owner's: the markers stand for what the file says
 * now. Grants of `fragment.grants` that are in the file without a marker (pasted by hand, say) get the owner's; of
 * several that say the same, the upper one. Only markers change, never an entry.
 *
 * Tag owners without a marker stay somebody's own.
 *
 * @throws PolicyError `invalid-policy`
 */
export function adoptFragment(policyText: string, fragment: PolicyFragment): string {
  return editDocument(policyText, (doc) => [
    ...editedGrants(doc, fragment),
    ...editedTags(doc, fragment.owner),
    ...pastedGrants(doc, fragment),
  ]);
}

function editedGrants(doc: PolicyDocument, fragment: PolicyFragment): Edit[] {
  return ownGrants({ doc, fragment })
    .filter((found) => !isUnedited(found))
    .map(({ marker, item }) => relabel(marker, { digest: itemDigest(item) }));
}

function editedTags(doc: PolicyDocument, owner: string): Edit[] {
  return (doc.tagOwners?.items ?? [])
    .filter((item) => !isVouched(item))
    .flatMap((item) =>
      claimsOf(item)
        .filter((marker) => marker.owner === owner)
        .map((marker) => relabel(marker, { digest: itemDigest(item) })),
    );
}

function pastedGrants(doc: PolicyDocument, fragment: PolicyFragment): Edit[] {
  const layout = readLayout(doc);
  const indent = itemIndent(doc, layout, doc.grants);
  const mine = ownGrants({ doc, fragment });
  const taken = new Set(markedGrants(doc).map(({ item }) => item));
  return fragment.grants.flatMap((grant, i) => {
    const label = grantLabel(fragment.owner, i + 1, grant);
    const has = mine.some(({ marker, item }) => marker.index === i + 1 || itemDigest(item) === label.digest);
    const [twin] = has ? [] : unmarkedSaying(doc, label.digest, taken);
    if (!twin) {
      return [];
    }
    taken.add(twin);
    return [markItem(doc, twin, label, layout, indent)];
  });
}

/** A marker in a line of its own above an entry, which gets a line of its own too where it has none. */
function markItem(
  doc: PolicyDocument,
  item: Item,
  label: MarkerLabel,
  { eol }: Layout,
  indent: string,
): Edit {
  const offset = spanStart(doc.text, item.offset);
  const line = `${eol}${indent}${formatMarker(label)}`;
  return { offset, end: offset, text: offset < item.offset ? line : `${line}${eol}${indent}` };
}
