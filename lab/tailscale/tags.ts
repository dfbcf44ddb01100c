import { tagsNotPermitted } from "./api-error";
import type { Principal } from "./auth";

/**
 * Checks that `who` may give these tags: each must stand in the live policy's `tagOwners`; an OAuth client may give
 * exactly its own tags, or tags that one of its own tags owns. An admin may give any tag there is.
 * @throws ApiError 400
 */
export function requireTags(
  tags: readonly string[],
  who: Principal,
  tagOwners: Readonly<Record<string, readonly string[]>>,
): void {
  const unknown = tags.filter((t) => !Object.hasOwn(tagOwners, t));
  if (unknown.length > 0) throw tagsNotPermitted(unknown);
  if (who.kind === "user" || sameSet(tags, who.tags)) return;
  const foreign = tags.filter((t) => !tagOwners[t]?.some((owner) => who.tags.includes(owner)));
  if (foreign.length > 0) throw tagsNotPermitted(foreign);
}

/** Whether the two lists hold the same tags, in any order. */
export function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((t) => b.includes(t));
}
