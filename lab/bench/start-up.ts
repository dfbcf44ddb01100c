import { join } from "node:path";
import type { Relay } from "./relay";
import { splitTime, type Split } from "./timeline";
import { settle } from "./way";
import type { World } from "./world";

/** From the start of `up`: cold clients, and a relay that they tried too early, included. */
const LIMIT_MS = 300_000;

/** Runs `up` while two devices have traffic, until it goes over the new relay, and says where the time went. */
export async function timedUp(world: World): Promise<{ relay: Relay; split: Split }> {
  const { a, b } = world.devices;
  await settle(a, b, "derp");
  // The devices look for a better path only while they have something to send.
  const traffic = a.ns.spawn(["ping", "-q", "-i", "0.2", b.ip4], { log: join(world.lab.dir, "ping.log") });
  const search = new AbortController();
  try {
    const up = Date.now();
    const answer = settle(a, b, "peer-relay", { limitMs: LIMIT_MS, signal: search.signal });
    answer.catch(() => undefined); // told below, unless something else has failed before
    await world.pulumi("up");
    const returned = Date.now();
    const relay = await world.relay();
    const firstPing = await answer;
    const [machine, journal] = [await relay.switchedOnAt(), await relay.bootstrapJournal()];
    return { relay, split: splitTime({ up, machine, journal, firstPing, returned }) };
  } finally {
    search.abort();
    await traffic.stop();
  }
}
