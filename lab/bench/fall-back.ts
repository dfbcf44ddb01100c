import { setTimeout as sleep } from "node:timers/promises";
import { receivedAt } from "./iperf";
import { longestSilence, parsePings } from "./pings";
import type { Scene } from "./scene";
import { tailnetFlow } from "./traffic";
import { settle } from "./way";

/** How long traffic stood still when the relay's machine died, in seconds. */
export interface FallBack {
  /** Of a TCP stream of 20 Mbit/s. */
  tcp: number;
  /** Of pings, 20 a second. */
  ping: number;
}

/** Of the stream; well above what a client takes to give a path up. */
const SECONDS = 16;
const BEFORE_MS = 2000;

/** Pulls the relay's plug under traffic. @throws when the traffic does not come back over DERP */
export async function measureFallBack({ world, relay, traffic }: Scene): Promise<FallBack> {
  const { a, b } = world.devices;
  await settle(a, b, "peer-relay", { relay });
  // Reversed, so that the side whose report we read is the one that receives.
  const stream = traffic.iperf(tailnetFlow(a, b), ["-R", "-b", "20M", "-i", "0.1", "-t", String(SECONDS)]);
  const pings = a.ns.run(["ping", "-D", "-i", "0.05", "-w", String(SECONDS), b.ip4]);
  const death = sleep(BEFORE_MS).then(() => relay.host.kill());
  const [json, { stdout }] = await Promise.all([stream, pings, death]);
  await settle(a, b, "derp");
  const end = SECONDS * 1000;
  const streamed = receivedAt(json);
  const answered = parsePings(stdout).map(({ at }) => at);
  for (const [what, last] of [
    ["TCP", streamed.at(-1) ?? 0],
    ["pings", (answered.at(-1) ?? 0) - (answered[0] ?? 0)],
  ] as const) {
    if (last < end - 2000) throw new Error(`${what} did not come back in ${SECONDS - BEFORE_MS / 1000} s`);
  }
  return { tcp: longestSilence(streamed) / 1000, ping: longestSilence(answered) / 1000 };
}
