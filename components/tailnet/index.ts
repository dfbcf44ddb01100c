/** The tailnet as this package needs it: its API, its policy file, and the resources that stand for the relay in it. */
export { connectTailnet, explain, TailscaleApiError } from "./client";
export type { TailnetClient } from "./client";
export { CredentialsError, readCredentials } from "./credentials";
export type { TailnetCredentials } from "./credentials";
export { Enrollment } from "./enrollment";
export { policyFileOf } from "./policy-file";
export { RelayDevice } from "./relay-device";
