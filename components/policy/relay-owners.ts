import { relayCapability } from "./fragment";
import { parseAnyPolicy } from "./merge";

/**
 * Owners of the relay grants that this package wrote into a policy file, each once, in the file's order: one for each
 * relay that clients may use.
 * @throws PolicyError `invalid-policy`
 */
export function relayOwners(policyText: string): string[] {
  const doc = parseAnyPolicy(policyText);
  const owners = (doc.grants?.items ?? [])
    .filter((item) => doc.text.slice(item.offset, item.end).includes(relayCapability()))
    .flatMap((item) => item.markers.filter((marker) => marker.kind === "grant"))
    .map((marker) => marker.owner);
  return [...new Set(owners)];
}
