/**
 * What the dynamic resources do, by kind. Pulumi's provider process loads this file by its path, and the path stands in
 * users' states: see `codeForState`. It never moves, and no kind ever leaves it.
 * @packageDocumentation
 */
export { keptValueProvider as KeptValue } from "./aws/kept-value";
export { policyFragmentProvider as PolicyFragment } from "./policy/resource";
export { enrollmentProvider as Enrollment } from "./tailnet/enrollment";
export { relayDeviceProvider as RelayDevice } from "./tailnet/relay-device";
