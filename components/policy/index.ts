/**
 * The policy fragment: what one relay has in the tailnet's policy file, merged into it as text and taken out again.
 *
 * A tailnet has one policy file, HuJSON, written by people and by other stacks. So nothing here parses and prints it
 * again; text is spliced in and cut out, and every byte that is not ours stays. Pure: text in, text out.
 *
 * **What is ours** stands behind a marker comment, at the start of its list, in lines of its own:
 *
 * ```
 * "grants": [
 *   // peer-relay: shop/prod/relay grant#1 3f2a9c0d11aa (managed by Pulumi: change it in the stack)
 *   {"src": ["tag:srv"], "dst": ["tag:relay"], "app": {"tailscale.com/cap/relay": []}},
 * ```
 *
 * The marker names the owner and carries a digest of the value, so a change by hand is seen without any state, while
 * other white space is not a change. Each such span has its own line break in front and its own comma behind, so the
 * spans of several owners do not depend on each other and may go in any order.
 *
 * **The owner's name is the unit.** {@link addFragment} makes the owner's part of the file exactly the fragment;
 * {@link removeFragment} takes all of it out. Parts that are written at different times need different owners.
 *
 * **Shared parts** belong to no single owner and go with the last one: a `grants` or `tagOwners` key that was missing
 * (comments that others put inside stay), an entry of `tagOwners` (one marker line for each owner that claims
 * it), and the grant that keeps a file open which was open before (see {@link EditOptions.keepAllowAll}).
 *
 * **Left to the reader of an error**: files that are not HuJSON, that have `grants`, `acls`, `tagOwners` or a tag
 * twice, or whose `grants` is not a list, are refused; so are edits by hand behind a marker. A grant that lost its
 * marker is still ours when nothing else in the file says exactly the same; among several, the edit stops.
 *
 * @module
 */
export { adoptFragment } from "./adopt";
export {
  conflictDelay,
  editPolicyFile,
  type EditPolicyFileOptions,
  type PolicyFileStore,
} from "./edit-policy-file";
export { forgetOwner } from "./forget";
export {
  checkFragment,
  type Grant,
  ownerIssues,
  type PolicyFragment,
  type RelayPolicyArgs,
  relayCapability,
  relayPolicyFragment,
  type TagOwners,
} from "./fragment";
export {
  type FragmentPart,
  fragmentParts,
  type FragmentStatus,
  fragmentStatus,
  takenParts,
} from "./fragment-status";
export { addFragment, removeFragment, renderFragment } from "./merge";
export { type OwnedPart, ownedParts } from "./owned-parts";
export type { EditOptions } from "./plan";
export { readRendering } from "./rendering";
export { relayOwners } from "./relay-owners";
export { PolicyError, type PolicyErrorCode } from "./policy-error";
export { fragmentPresence, type PresentPart } from "./presence";
