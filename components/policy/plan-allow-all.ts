import { digest, inline } from "./canonical";
import { type Item, itemDigest, type PolicyDocument } from "./document";
import type { Grant } from "./fragment";
import { nobody } from "./marker";
import { isOurs, type NewItem, type Plan, planCut } from "./plan";
import { grantMarker } from "./plan-grants";
import { PolicyError } from "./policy-error";

/**
 * Whether our first grant comes into a file that has neither `acls` nor `grants`. Such a file allows everything, and
 * its first grant would turn that into "deny all else".
 *
 * @throws PolicyError `allow-all` unless the caller wants to keep everything allowed
 */
export function isAllowAllDue(doc: PolicyDocument, newGrants: NewItem[], keepAllowAll: boolean): boolean {
  if (newGrants.length === 0 || doc.hasAcls || doc.grants) {
    return false;
  }
  if (!keepAllowAll) {
    throw new PolicyError(
      "allow-all",
      'this policy file has neither "acls" nor "grants", so it allows everything; its first grant would deny ' +
        "everything else and lock people out. First add to the file what shall stay allowed, for instance\n" +
        `  "grants": [${inline(allowAllGrant())}],\n` +
        "or set keepAllowAll, which adds that grant now and takes it out again with the last relay's; nothing was changed",
    );
  }
  return true;
}

/** The grant that goes on allowing everything; it belongs to no single owner. */
export function allowAllItems(): NewItem[] {
  const grant = allowAllGrant();
  const label = { owner: nobody(), kind: "allow-all" as const, index: 0, digest: digest(grant) };
  return [{ label, text: inline(grant) }];
}

/**
 * Takes the allow-all grant out with the last grant of any owner, but only when the file then has neither `acls` nor
 * `grants` again and so allows everything by itself. In any other file it stays: without it people would be locked out.
 */
export function planAllowAll(plan: Plan, newGrants: number): void {
  const { doc, cut } = plan;
  const section = doc.grants;
  if (!section || !isOurs(section) || doc.hasAcls || newGrants > 0) {
    return;
  }
  const isUnedited = (item: Item): boolean => {
    const marker = grantMarker(item);
    return marker?.kind === "allow-all" && marker.digest === itemDigest(item);
  };
  const rest = section.items.filter((item) => !cut.has(item));
  if (rest.length > 0 && rest.every(isUnedited)) {
    rest.forEach((item) => planCut(plan, item));
  }
}

function allowAllGrant(): Grant {
  return { src: ["*"], dst: ["*"], ip: ["*"] };
}
