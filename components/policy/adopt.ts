import { digest } from "./canonical";
import { type Item, itemDigest, parsePolicy, type PolicyDocument } from "./document";
import { applyEdits, type Edit } from "./edits";
import type { Grant, PolicyFragment } from "./fragment";
import { itemIndent, type Layout, readLayout, spanStart } from "./layout";
import { formatMarker, type MarkerLabel } from "./marker";
import { splitByteOrderMark } from "./merge";
import { relabel } from "./plan";
import { isUnedited, markedGrants, ownGrants } from "./plan-grants";
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
  const { mark, body } = splitByteOrderMark(policyText);
  const doc = parsePolicy(body);
  const edits = [
    ...editedGrants(doc, fragment),
    ...editedTags(doc, fragment.owner),
    ...pastedGrants(doc, fragment),
  ];
  if (edits.length === 0) {
    return policyText;
  }
  const edited = applyEdits(doc, edits);
  parsePolicy(edited); // never hand out what could not be read again
  return mark + edited;
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
    const label = { owner: fragment.owner, kind: "grant" as const, index: i + 1, digest: digest(grant) };
    const has = mine.some(({ marker, item }) => marker.index === i + 1 || itemDigest(item) === label.digest);
    const twin = has ? undefined : unmarked(doc, taken, grant);
    if (!twin) {
      return [];
    }
    taken.add(twin);
    return [markItem(doc, twin, label, layout, indent)];
  });
}

function unmarked(doc: PolicyDocument, taken: Set<Item>, grant: Grant): Item | undefined {
  const wanted = digest(grant);
  return doc.grants?.items.find(
    (item) => item.markers.length === 0 && !taken.has(item) && itemDigest(item) === wanted,
  );
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
