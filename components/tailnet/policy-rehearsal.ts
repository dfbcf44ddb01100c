import type { PolicyFragment } from "../policy/fragment";
import { addFragment } from "../policy/merge";
import type { TailnetClient } from "./client";
import { refuseExternallyManaged } from "./externally-managed";
import { policyFileOf } from "./policy-file";

/** Grants that the stack is going to write, and what it does about a file that allows everything. */
export interface RehearsedGrants extends PolicyFragment {
  keepAllowAll: boolean;
}

/**
 * Merges grants into the tailnet's policy file as the stack will, and has Tailscale check the result, without writing
 * it: what Tailscale refuses, and a file that would lock everybody out, then come out before there is a VM.
 * @throws PolicyError of the merge, or `externally-managed`; TailscaleApiError with Tailscale's words when it refuses the file
 */
export async function rehearseGrants(
  client: TailnetClient,
  { keepAllowAll, ...fragment }: RehearsedGrants,
): Promise<void> {
  await refuseExternallyManaged(client);
  const store = policyFileOf(client);
  const { text } = await store.read();
  // What stands in the way of ours by hand is for the real write to judge: it knows what it wrote before.
  const candidate = addFragment(text, fragment, { keepAllowAll, force: true });
  if (candidate !== text) await store.validate(candidate);
}
