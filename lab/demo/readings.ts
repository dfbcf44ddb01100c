import type { LivePath } from "./picture";

/** What commands print and AWS lists, as the picture has it. */

/**
 * The path that a line of `tailscale ping` tells.
 * @throws when it is not a pong
 */
export function parsePong(pong: string): LivePath {
  const [, via = "", latency = ""] = /^pong from .* via (\S+) in (\S+)$/.exec(pong) ?? [];
  const derp = /^DERP\((.+)\)$/.exec(via);
  const relay = /^peer-relay\((.+):vni:(\d+)\)$/.exec(via);
  if (!via) throw new Error(`this is no pong of tailscale ping: ${pong}`);
  if (derp) return { via: "DERP", region: derp[1]!, latency, pong };
  if (relay) return { via: "peer-relay", endpoint: relay[1]!, vni: Number(relay[2]), latency, pong };
  return { via: "direct", address: via, latency, pong };
}

/** The sum of a counter over all its labels, in metrics in Prometheus' format; 0 while it has not counted. */
export function counted(metrics: string, counter: string): number {
  const lines = metrics.split("\n").filter((line) => new RegExp(`^${counter}(\\{.*\\})? `).test(line));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

/** The grants behind our markers in a policy file; those of one stack's relays are the same, and are told once. */
export function relayGrants(policy: string): string[] {
  const found = policy.matchAll(
    /^[ \t]*\/\/ peer-relay: \S+ grant#.*\n(.*"tailscale\.com\/cap\/relay".*)$/gm,
  );
  return [...new Set([...found].map(([, grant = ""]) => grant.trim().replace(/,$/, "")))];
}
