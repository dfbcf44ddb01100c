import { digest, inline } from "./canonical";
import { parsePolicy, type PolicyDocument, type Section } from "./document";
import { applyEdits, type Edit } from "./edits";
import { checkFragment, type Grant, type PolicyFragment, type TagOwners } from "./fragment";
import { insertionPoint, itemIndent, type Layout, readLayout } from "./layout";
import { formatMarker, nobody } from "./marker";
import {
  type EditOptions,
  isEmptied,
  isOurs,
  type NewItem,
  type Plan,
  planCutSection,
  spanText,
} from "./plan";
import { allowAllItems, isAllowAllDue, isLastOut, planAllowAll, refuseOverriding } from "./plan-allow-all";
import { grantLabel, planGrants, planUnmarkedCuts } from "./plan-grants";
import { planTagOwners } from "./plan-tag-owners";
import { PolicyError } from "./policy-error";

/**
 * Makes the owner's part of a policy file exactly this fragment: adds what is missing, changes what differs, takes out
 * what the fragment no longer has. All other bytes stay, and doing it twice is doing it once.
 *
 * A `tagOwners` entry of somebody else is never touched, whatever it says.
 *
 * @param policyText the whole file, HuJSON
 * @returns the whole new file; the very same text when nothing had to change
 * @throws PolicyError `invalid-policy`, `invalid-fragment`, `allow-all` or `hand-edited`
 */
export function addFragment(policyText: string, fragment: PolicyFragment, options: EditOptions = {}): string {
  checkFragment(fragment);
  const { grants, tagOwners } = fragment;
  const lost = options.previous?.grants ?? [];
  return editPolicy(policyText, fragment, { grants, tagOwners, lost, isRemoval: false }, options);
}

/**
 * Takes the owner's part out of a policy file, whatever of it is there. When all owners are gone, in any order, the
 * file has its first bytes again.
 *
 * A grant that lost its marker is known by its exact value, for which `fragment.grants` must be what was written last;
 * where several have that value, the removal stops.
 * An entry of `tagOwners` stays while another owner claims it or anything in the file refers to its tag; whoever takes
 * out the last reference takes it along.
 *
 * @throws PolicyError `invalid-policy`, `hand-edited`, or `allow-all` when the file would be left open to everybody:
 *   without any rule, or by our allow-all grant beside others' rules
 */
export function removeFragment(
  policyText: string,
  fragment: PolicyFragment,
  options: EditOptions = {},
): string {
  checkFragment({ owner: fragment.owner, grants: [], tagOwners: {} });
  const wanted = { grants: [], tagOwners: {}, lost: fragment.grants, isRemoval: true };
  return editPolicy(policyText, fragment, wanted, options);
}

/** What the file should have of an owner, and the grants that it may have of it without a marker (`lost`). */
interface Wanted {
  grants: Grant[];
  tagOwners: TagOwners;
  lost: Grant[];
  isRemoval: boolean;
}

function editPolicy(
  policyText: string,
  fragment: PolicyFragment,
  wanted: Wanted,
  options: EditOptions,
): string {
  return editDocument(policyText, (doc) => planEdits(doc, fragment, wanted, options));
}

/**
 * Edits a policy file as a whole: what is not in an edit stays, a byte order mark too.
 *
 * @returns the very same text when there is nothing to edit
 * @throws PolicyError `invalid-policy`
 */
export function editDocument(policyText: string, editsOf: (doc: PolicyDocument) => Edit[]): string {
  const { mark, body } = splitByteOrderMark(policyText);
  const doc = parsePolicy(body);
  const edits = editsOf(doc);
  if (edits.length === 0) {
    return policyText;
  }
  const edited = applyEdits(doc, edits);
  parsePolicy(edited); // never hand out what could not be read again
  return mark + edited;
}

function planEdits(
  doc: PolicyDocument,
  fragment: PolicyFragment,
  wanted: Wanted,
  options: EditOptions,
): Edit[] {
  const layout = readLayout(doc);
  const plan: Plan = {
    doc,
    fragment,
    force: options.force === true,
    retryOf: options.retryOf === undefined ? undefined : parseAnyPolicy(options.retryOf),
    edits: [],
    cut: new Set(),
    replaced: new Map(),
    inserted: [],
    handEdits: [],
    unclear: [],
  };
  const tagIndent = itemIndent(doc, layout, doc.tagOwners);
  const grants = planGrants(plan, wanted.grants);
  planUnmarkedCuts(plan, wanted.lost);
  const tags = planTagOwners(plan, wanted.tagOwners, tagIndent, layout.eol);
  if (isAllowAllDue(doc, grants, options.keepAllowAll === true)) {
    grants.push(...allowAllItems());
  }
  planAllowAll(plan, grants.length);
  // Never in the way of the kill switch; nor of a removal, while other owners stay who will be told.
  if (wanted.grants.length > 0 || (wanted.isRemoval && isLastOut(plan))) {
    refuseOverriding(doc, [...wanted.grants, ...wanted.lost]);
  }
  placeItems(plan, layout, "grants", doc.grants, grants);
  placeItems(plan, layout, "tagOwners", doc.tagOwners, tags);
  refuseHandEdits(plan);
  refuseUnclear(plan);
  return plan.edits;
}

/** A byte order mark is no part of HuJSON, but editors leave it there; it stays. */
function splitByteOrderMark(text: string): { mark: string; body: string } {
  return text.startsWith("\uFEFF") ? { mark: "\uFEFF", body: text.slice(1) } : { mark: "", body: text };
}

/** Puts new items in their section, makes the section when it is missing, or takes ours out when it is empty. */
function placeItems(
  plan: Plan,
  layout: Layout,
  name: "grants" | "tagOwners",
  section: Section | undefined,
  items: NewItem[],
): void {
  const { doc } = plan;
  if (section && isOurs(section) && isEmptied(plan, section, items.length)) {
    if (!opensUp(plan, name, section)) {
      planCutSection(plan, section);
    }
    return;
  }
  if (items.length === 0) {
    return;
  }
  const indent = itemIndent(doc, layout, section);
  const spans = items.map((item) => spanText(item, layout.eol, indent)).join("");
  const offset = insertionPoint(doc.text, section ? section.member.valueNode.offset : doc.root.offset);
  // In front of a claim that goes to the first entry at the same place: that marker line must stay with its entry.
  plan.edits.unshift({ offset, end: offset, text: section ? spans : sectionText(name, spans, layout) });
}

function sectionText(name: "grants" | "tagOwners", spans: string, { eol, member }: Layout): string {
  const label = formatMarker({ owner: nobody(), kind: "section", index: 0, digest: "-" });
  const [open, close] = name === "grants" ? ["[", "]"] : ["{", "}"];
  return `${eol}${member}${label}${eol}${member}"${name}": ${open}${spans}${eol}${member}${close},`;
}

/**
 * Whether taking our `grants` out would leave a file that allows everything, where it did not before: somebody took
 * out the `acls`, or our allow-all grant, in the meantime.
 */
function opensUp(plan: Plan, name: "grants" | "tagOwners", section: Section): boolean {
  const wasOpen = section.items.some((item) => item.markers.some(({ kind }) => kind === "allow-all"));
  if (name !== "grants" || plan.doc.hasAcls || wasOpen || plan.force) {
    return false;
  }
  if (section.items.length === 0) {
    return true; // we take nothing out now, so it can stay as it is
  }
  throw new PolicyError(
    "allow-all",
    'taking out the last grant would leave neither "acls" nor "grants" in the policy file, which allows everything ' +
      'to everybody. Add the "acls" or "grants" that you want first' +
      " (or force, if everything shall be allowed); nothing was changed",
  );
}

function refuseHandEdits(plan: Plan): void {
  if (plan.handEdits.length > 0) {
    throw new PolicyError(
      "hand-edited",
      [
        'the policy file was edited by hand where peer-relay wrote it ("-" is in the file, "+" is expected):',
        ...plan.handEdits,
        "Nothing was changed. Undo that, or choose:",
        `  adopt   it is the stack's from now on: peer-relay policy adopt --owner ${plan.fragment.owner}`,
        "  force   go over it: the argument forcePolicy, or --force with peer-relay policy apply and remove",
        `  forget  it is your own from now on: peer-relay policy forget --owner ${plan.fragment.owner}`,
      ].join("\n"),
    );
  }
}

function refuseUnclear(plan: Plan): void {
  if (plan.unclear.length > 0) {
    throw new PolicyError("hand-edited", plan.unclear.join("\n"));
  }
}

/**
 * The fragment as HuJSON, for those who keep their policy file elsewhere: an object with `grants` and `tagOwners`,
 * marked as in a merged file, so that a later merge knows its own text again.
 */
export function renderFragment(fragment: PolicyFragment): string {
  checkFragment(fragment);
  const grants = fragment.grants.map((grant, i) => ({
    label: grantLabel(fragment.owner, i + 1, grant),
    text: inline(grant),
  }));
  const tags = Object.entries(fragment.tagOwners).map(([tag, owners]) => ({
    label: { owner: fragment.owner, kind: "tag-owner" as const, index: 0, digest: digest({ [tag]: owners }) },
    text: `${JSON.stringify(tag)}: ${inline(owners)}`,
  }));
  const render = (name: string, open: string, close: string, items: NewItem[]): string =>
    items.length === 0
      ? ""
      : `\n\t"${name}": ${open}${items.map((item) => spanText(item, "\n", "\t\t")).join("")}\n\t${close},`;
  return `{${render("tagOwners", "{", "}", tags)}${render("grants", "[", "]", grants)}\n}\n`;
}

/** The file without a byte order mark, parsed. */
export function parseAnyPolicy(policyText: string): PolicyDocument {
  return parsePolicy(splitByteOrderMark(policyText).body);
}
