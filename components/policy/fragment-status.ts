import { digest } from "./canonical";
import { itemDigest, type PolicyDocument } from "./document";
import type { Grant, PolicyFragment } from "./fragment";
import { parseAnyPolicy } from "./merge";
import { overridingAllowAll } from "./plan-allow-all";
import { isUnedited, ownGrants, unmarkedTwins } from "./plan-grants";
import { claimsOf, isVouched } from "./plan-tag-owners";

/**
 * - `present`: adding the fragment would change nothing, or only bring back a lost marker.
 * - `absent`: nothing of it, and nothing else of its owner, is in the file.
 * - `partial`: some of it is missing, or the owner has something else there.
 * - `edited`: somebody changed by hand what the owner wrote.
 * - `open`: somebody added rules of their own to a file that keepAllowAll keeps open, so that they restrict nothing.
 */
export type FragmentStatus = "present" | "absent" | "partial" | "edited" | "open";

/** How one part of a fragment stands in the file: `grants[0]`, `tagOwners["tag:relay"]`, or `allow-all`. */
export interface FragmentPart {
  part: string;
  /**
   * `stale`: there, as the owner once wrote it, but the fragment has something else now. `open`: only of `allow-all`,
   * which is no part at all otherwise.
   */
  state: "present" | "missing" | "stale" | "edited" | "open";
}

/**
 * How much of a fragment is in a policy file.
 *
 * @throws PolicyError `invalid-policy`
 */
export function fragmentStatus(policyText: string, fragment: PolicyFragment): FragmentStatus {
  const states = new Set(fragmentParts(policyText, fragment).map(({ state }) => state));
  if (states.has("edited")) {
    return "edited";
  }
  const isOpen = states.delete("open");
  if (states.size === 1 && states.has("missing")) {
    return "absent";
  }
  if (isOpen) {
    return "open";
  }
  return states.size === 0 || (states.size === 1 && states.has("present")) ? "present" : "partial";
}

/**
 * The same, part by part: first the fragment's own parts, then what the owner has in the file beyond them.
 *
 * @throws PolicyError `invalid-policy`
 */
export function fragmentParts(policyText: string, fragment: PolicyFragment): FragmentPart[] {
  return partsIn(parseAnyPolicy(policyText), fragment);
}

/** The same in a file that was read already. */
export function partsIn(doc: PolicyDocument, fragment: PolicyFragment): FragmentPart[] {
  return [...grantParts(doc, fragment), ...tagParts(doc, fragment), ...allowAllParts(doc, fragment)];
}

/**
 * What a file has under the fragment's owner with another content, as a second stack of the same name would have it.
 * Tag owners under the name of grants that come without any are none of it: the emitted fragment has both under
 * one name, and somebody merged it from the command line.
 *
 * @throws PolicyError `invalid-policy`
 */
export function takenParts(policyText: string, fragment: PolicyFragment): FragmentPart[] {
  const grantsOnly = fragment.grants.length > 0 && Object.keys(fragment.tagOwners).length === 0;
  return fragmentParts(policyText, fragment)
    .filter(({ state }) => state === "stale" || state === "edited")
    .filter(({ part }) => !(grantsOnly && part.startsWith("tagOwners[")));
}

function grantParts(doc: PolicyDocument, fragment: PolicyFragment): FragmentPart[] {
  const mine = ownGrants({ doc, fragment });
  const cut = new Set(mine.map(({ item }) => item));
  const matched = new Set<unknown>();
  const stateOf = (grant: Grant, index: number): FragmentPart["state"] => {
    const found = mine.find(({ marker }) => marker.index === index);
    if (!found) {
      const [twin] = unmarkedTwins({ doc, cut }, grant);
      return twin && cut.add(twin) ? "present" : "missing";
    }
    matched.add(found);
    if (itemDigest(found.item) === digest(grant)) {
      return "present";
    }
    return isUnedited(found) ? "stale" : "edited";
  };
  const wanted = fragment.grants.map((grant, i) => ({
    part: grantPart(i + 1),
    state: stateOf(grant, i + 1),
  }));
  const beyond = mine
    .filter((found) => !matched.has(found))
    .map((found) => ({
      part: grantPart(found.marker.index),
      state: isUnedited(found) ? ("stale" as const) : ("edited" as const),
    }));
  return [...wanted, ...beyond];
}

/** It belongs to nobody, so all who have grants in the file tell of it. */
function allowAllParts(doc: PolicyDocument, { grants }: PolicyFragment): FragmentPart[] {
  return grants.length > 0 && overridingAllowAll(doc, grants) ? [{ part: "allow-all", state: "open" }] : [];
}

function tagParts(doc: PolicyDocument, fragment: PolicyFragment): FragmentPart[] {
  const items = doc.tagOwners?.items ?? [];
  const wanted = Object.entries(fragment.tagOwners).map(([tag, owners]) => {
    const item = items.find(({ key }) => key === tag);
    if (!item) {
      return { part: tagPart(tag), state: "missing" as const };
    }
    const mine = claimsOf(item).find(({ owner }) => owner === fragment.owner);
    if (!mine) {
      return {
        part: tagPart(tag),
        state: claimsOf(item).length > 0 ? ("missing" as const) : ("present" as const),
      };
    }
    const wish = digest({ [tag]: owners });
    if (itemDigest(item) !== wish && !isVouched(item)) {
      return { part: tagPart(tag), state: "edited" as const };
    }
    return { part: tagPart(tag), state: mine.digest === wish ? ("present" as const) : ("stale" as const) };
  });
  const beyond = items
    .filter(({ key = "" }) => !Object.hasOwn(fragment.tagOwners, key))
    .filter((item) => claimsOf(item).some(({ owner }) => owner === fragment.owner))
    .map((item) => ({
      part: tagPart(item.key),
      state: isVouched(item) ? ("stale" as const) : ("edited" as const),
    }));
  return [...wanted, ...beyond];
}

/** How a grant is called in a report; `index` as in its marker, from 1. */
export function grantPart(index: number): string {
  return `grants[${index - 1}]`;
}

export function tagPart(tag: string | undefined): string {
  return `tagOwners[${JSON.stringify(tag)}]`;
}
