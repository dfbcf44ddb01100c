/**
 * Tailscale peer relays as code, on Pulumi. This is the whole public API.
 * @packageDocumentation
 */
export { PeerRelay } from "./peer-relay";
export type { PeerRelayArgs, RelayOs, TarballInstall, WorkloadIdentity } from "./peer-relay-args";
export { InvalidArgsError } from "./validate";
export { relayZones } from "./aws/network";
export {
  addFragment,
  fragmentStatus,
  PolicyError,
  relayPolicyFragment,
  removeFragment,
  renderFragment,
} from "./policy";
export type { Grant, PolicyFragment, TagOwners } from "./policy";
export { renderHostFiles, renderUserData } from "./bootstrap";
export type { BootstrapSettings, HostFile } from "./bootstrap";
