import * as jsonc from "jsonc-parser";
import { digest, inline } from "./canonical";
import { type Item, itemDigest, lineOf, type PolicyDocument } from "./document";
import type { Grant } from "./fragment";
import { nobody } from "./marker";
import { isOurs, type NewItem, type Plan, planCut } from "./plan";
import { isUnedited, markedGrants } from "./plan-grants";
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
  const allowAll = findAllowAll(doc);
  const rest = section.items.filter((item) => !cut.has(item));
  if (rest.length > 0 && rest.every((item) => allowAll.includes(item))) {
    rest.forEach((item) => planCut(plan, item));
  }
}

/** Whether no grant of ours, of whatever owner, is left in the file. */
export function isLastOut({ doc, cut }: Plan): boolean {
  return !markedGrants(doc).some(({ item, marker }) => marker.kind === "grant" && !cut.has(item));
}

/**
 * Our allow-all grant, where others' rules say by now who may reach whom: while it is there, they restrict nothing. A
 * grant without `ip` is no such rule, it only adds a capability; nor is one that says what a marked one or one of `own`
 * says: it is ours without its marker, or allows everything too.
 */
export function overridingAllowAll(doc: PolicyDocument, own: Grant[]): Item | undefined {
  const known = new Set([...own.map(digest), ...markedGrants(doc).map(({ item }) => itemDigest(item))]);
  const isRule = (item: Item): boolean => givesAccess(item) && !known.has(itemDigest(item));
  return doc.hasAcls || doc.grants?.items.some(isRule) ? findAllowAll(doc)[0] : undefined;
}

/**
 * Stops where our allow-all grant overrides others' rules. It is not taken out silently: whoever wrote those rules may
 * never have noticed that people live by the other one.
 *
 * @throws PolicyError `allow-all`
 */
export function refuseOverriding(doc: PolicyDocument, own: Grant[]): void {
  const item = overridingAllowAll(doc, own);
  if (item) {
    throw new PolicyError(
      "allow-all",
      'somebody added rules ("acls" or "grants") to this policy file, but the grant by which keepAllowAll kept it open ' +
        `(line ${lineOf(doc, item)}) goes on allowing everything to everybody. Delete that grant and its marker comment, ` +
        "if only the other rules shall count; or delete only the marker comment, to keep it as your own; nothing was changed",
    );
  }
}

/** As long as nobody changed it; one, unless somebody copied it with its marker. */
function findAllowAll(doc: PolicyDocument): Item[] {
  return markedGrants(doc)
    .filter((found) => found.marker.kind === "allow-all" && isUnedited(found))
    .map(({ item }) => item);
}

function givesAccess(item: Item): boolean {
  const grant = jsonc.getNodeValue(item.valueNode) as unknown;
  return Object.keys(Object(grant)).some((key) => key.toLowerCase() === "ip");
}

function allowAllGrant(): Grant {
  return { src: ["*"], dst: ["*"], ip: ["*"] };
}
