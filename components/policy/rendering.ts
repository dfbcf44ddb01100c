import * as jsonc from "jsonc-parser";
import { type Item, lineOf, type PolicyDocument } from "./document";
import type { Grant, PolicyFragment } from "./fragment";
import { parseAnyPolicy } from "./merge";
import { grantMarker } from "./plan-grants";
import { claimsOf } from "./plan-tag-owners";
import { PolicyError } from "./policy-error";

/**
 * Reads back what `renderFragment` wrote: its markers say whose each entry is. The entries count as they stand, also
 * when they are no longer those that the markers were written for.
 *
 * @param owner whose an entry without a marker is
 * @throws PolicyError `invalid-policy`, or `invalid-fragment` for what is neither grant nor tag owner, or nobody's
 */
export function readRendering(text: string, owner?: string): PolicyFragment[] {
  const doc = parseAnyPolicy(text);
  const fragments = new Map<string, PolicyFragment>();
  const issues = doc.members
    .filter((member) => member !== doc.grants?.member && member !== doc.tagOwners?.member)
    .map((member) => `line ${lineOf(doc, member)}: ${member.key} does not belong into a fragment`);
  const fragmentOf = (name: string): PolicyFragment => {
    const known = fragments.get(name) ?? { owner: name, grants: [], tagOwners: {} };
    fragments.set(name, known);
    return known;
  };
  const read = (
    item: Item,
    name: string | undefined,
    add: (fragment: PolicyFragment, value: unknown) => void,
  ) => {
    if (name === undefined)
      issues.push(`line ${lineOf(doc, item)}: no marker comment says whose this is, nor --owner`);
    else add(fragmentOf(name), jsonc.getNodeValue(item.valueNode));
  };
  for (const { item, name } of grantsInOrder(doc, owner)) {
    read(item, name, ({ grants }, value) => grants.push(value as Grant));
  }
  for (const item of doc.tagOwners?.items ?? []) {
    const [claim] = claimsOf(item);
    read(
      item,
      claim?.owner ?? owner,
      ({ tagOwners }, value) => (tagOwners[item.key ?? ""] = value as string[]),
    );
  }
  if (issues.length > 0) {
    throw new PolicyError("invalid-fragment", ["invalid policy fragment:", ...issues].join("\n  "));
  }
  return [...fragments.values()];
}

/** In the order of their fragment, whatever somebody made of it in the text. */
function grantsInOrder(doc: PolicyDocument, owner: string | undefined) {
  return (doc.grants?.items ?? [])
    .map((item) => {
      const marker = grantMarker(item);
      return marker?.kind === "grant"
        ? { item, name: marker.owner, index: marker.index }
        : { item, name: owner, index: 0 };
    })
    .sort((a, b) => a.index - b.index);
}
