import * as jsonc from "jsonc-parser";
import { canonical, digest, inline } from "./canonical";
import { itemDigest, type PolicyDocument } from "./document";
import type { PolicyFragment } from "./fragment";
import { type FragmentPart, grantPart, partsIn, tagPart } from "./fragment-status";
import { parseAnyPolicy } from "./merge";

/** A part of a fragment, and what one should know about its state. */
export interface PresentPart extends FragmentPart {
  note?: string;
}

/**
 * How a fragment stands in a policy file, by what the file grants: other than for a merge, it makes no difference here
 * who put an entry there. So all that is in the file without a marker counts, as people paste it who keep the file
 * in Git, and a tag's entry counts whoever has made it, as no merge would touch it.
 *
 * @throws PolicyError `invalid-policy`
 */
export function fragmentPresence(policyText: string, fragment: PolicyFragment): PresentPart[] {
  const doc = parseAnyPolicy(policyText);
  const grants = unmarkedDigests(doc);
  const there = new Set([
    ...fragment.grants.flatMap((grant, i) => (grants.has(digest(grant)) ? [grantPart(i + 1)] : [])),
    ...Object.keys(fragment.tagOwners).flatMap((tag) => (entryOf(doc, tag) ? [tagPart(tag)] : [])),
  ]);
  const notes = otherOwners(doc, fragment);
  return partsIn(doc, fragment).map(({ part, state }) => {
    const note = notes.get(part);
    const isThere = state === "present" || (state === "missing" && there.has(part));
    return isThere ? { part, state: "present", ...(note && { note }) } : { part, state };
  });
}

function unmarkedDigests(doc: PolicyDocument): Set<string> {
  return new Set((doc.grants?.items ?? []).filter((item) => item.markers.length === 0).map(itemDigest));
}

function entryOf(doc: PolicyDocument, tag: string) {
  return doc.tagOwners?.items.find(({ key }) => key === tag);
}

/** Tags that are in the file with other owners than the fragment's. */
function otherOwners(doc: PolicyDocument, { tagOwners }: PolicyFragment): Map<string, string> {
  const notes = new Map<string, string>();
  for (const [tag, owners] of Object.entries(tagOwners)) {
    const item = entryOf(doc, tag);
    const found: unknown = item && jsonc.getNodeValue(item.valueNode);
    if (item && canonical(found) !== canonical(owners)) {
      notes.set(tagPart(tag), `the file has ${inline(found)}, the fragment ${inline(owners)}`);
    }
  }
  return notes;
}
