import { setTimeout as sleep } from "node:timers/promises";
import type { TailnetClient } from "../internet";
import type { Way } from "./metrics";
import type { Relay } from "./relay";

/** A device that lost a path may not look for it again for half a minute, at times twice. */
const SETTLE_MS = 90_000;
const POLL_MS = 100;

/** Whether an answer of `tailscale ping` came that way; over a peer relay: over this one, if one is given. */
export function cameBy(pong: string, way: Way, relay?: Pick<Relay, "address" | "port">): boolean {
  if (!pong.startsWith("pong from ")) return false;
  switch (way) {
    case "derp":
      return / via DERP\(\S+\) in /.test(pong);
    case "direct":
      return / via \d+\.\d+\.\d+\.\d+:\d+ in /.test(pong);
    case "peer-relay":
      return pong.includes(` via peer-relay(${relay ? `${relay.address}:${relay.port}:` : ""}`);
  }
}

/** Options of {@link settle}. */
export interface SettleOptions {
  /** Which peer relay. @default any */
  relay?: Pick<Relay, "address" | "port">;
  /** In milliseconds. @default a minute and a half */
  limitMs?: number;
  /** Ends the search early. */
  signal?: AbortSignal;
}

/**
 * Pings until the answers come the wanted way.
 * @returns the moment of the first one that did, in milliseconds since 1970
 * @throws with the last answer
 */
export async function settle(
  from: TailnetClient,
  to: TailnetClient,
  way: Way,
  { relay, limitMs = SETTLE_MS, signal }: SettleOptions = {},
): Promise<number> {
  const end = Date.now() + limitMs;
  for (;;) {
    const pong = (await from.ping(to.ip4, 1)).join(" ");
    if (cameBy(pong, way, relay)) return Date.now();
    if (Date.now() > end || signal?.aborted) {
      throw new Error(`${from.name} did not reach ${to.name} by ${way} in ${limitMs / 1000} s: ${pong}`);
    }
    await sleep(POLL_MS);
  }
}
