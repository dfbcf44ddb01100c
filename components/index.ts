/**
 * Tailscale peer relays as code, on Pulumi. This is the whole public API.
 * @packageDocumentation
 */
export { checkRelaySubnet } from "./aws/network";
export { relayZones, zonesOffering } from "./aws/zones";
export { renderHostFiles, renderUserData } from "./bootstrap";
export type { BootstrapSettings, HostFile } from "./bootstrap";
export { checkPeerRelayArgs, PeerRelay } from "./peer-relay";
export type { PeerRelayArgs, RelayOs, TarballInstall, WorkloadIdentity } from "./peer-relay-args";
export {
  addFragment,
  fragmentStatus,
  PolicyError,
  relayOwners,
  relayPolicyFragment,
  removeFragment,
  renderFragment,
} from "./policy";
export type { Grant, PolicyFragment, TagOwners } from "./policy";
export { connectTailnet, policyFileOf, readCredentials } from "./tailnet";
export type { TailnetClient, TailnetCredentials } from "./tailnet";
export { InvalidArgsError } from "./validate";
