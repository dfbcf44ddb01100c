import * as pulumi from "@pulumi/pulumi";
import { connectTailnet, policyFileOf, readCredentials, relayOwners } from "../components";

/** Tailscale's free plan started with this many relays per tailnet (the beta's announcement; the article says so too). */
const FREE_PLAN_RELAYS = 2;

/**
 * Warns when the tailnet would have more relays than its free plan allows: those of this stack, and those that other
 * stacks already have in the policy file. It reads and never fails a run: a file that can't be read now will be
 * complained of by the resource that has to write it.
 * @param readsPolicy false in emit mode, in which only this stack's own relays are known
 */
export async function warnAboutFreePlan(relays: number, readsPolicy: boolean): Promise<void> {
  const stack = `${pulumi.getProject()}/${pulumi.getStack()}/`;
  const others = (readsPolicy ? await ownersInPolicy() : []).filter((owner) => !owner.startsWith(stack));
  const total = relays + others.length;
  if (total <= FREE_PLAN_RELAYS) return;
  const elsewhere = others.length > 0 ? ` (${relays} here, and ${others.join(", ")})` : "";
  await pulumi.log.warn(
    `${total} relays in one tailnet${elsewhere}: the free plan may allow ${FREE_PLAN_RELAYS} only`,
  );
}

/** A warning is not worth more waiting. */
const LIMIT_MS = 5_000;

async function ownersInPolicy(): Promise<string[]> {
  try {
    const config = new pulumi.Config("tailscale");
    const credentials = readCredentials((key) => config.get(key), process.env);
    const client = connectTailnet(credentials, { attempts: 1, signal: AbortSignal.timeout(LIMIT_MS) });
    return relayOwners((await policyFileOf(client).read()).text);
  } catch (error) {
    await pulumi.log.debug(`the relays of other stacks are not counted: ${String(error)}`);
    return [];
  }
}
