import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeStack, outputsOf, REPO, type Stack, type WholeLab } from "../../lab";
import type { ClientKeyOptions } from "../../lab/headscale";
import type { BootedHost } from "../../lab/hosts";
import type { TailnetClient } from "../../lab/internet";
import { until } from "../../lab/internet/wait";
import { pathOf } from "../../scripts/lib/verdict";

/** How long a client may take to get to a relay: after a try in vain it waits half a minute, at times twice. */
const SETTLE_SECONDS = 90;

/** One relay, as its stack's outputs have it. */
export interface Relay {
  hostname: string;
  publicIp: string;
  endpoint: string;
  instanceId: string;
  securityGroupId: string;
  tailscaleIps: string[];
}

/** A tailnet policy in which everybody reaches everybody. */
export const OPEN_POLICY = '{"grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}]}\n';

/** Two devices that cannot reach each other directly: each behind a hard NAT of its own. */
export function twoClients(lab: WholeLab, key?: ClientKeyOptions): Promise<[TailnetClient, TailnetClient]> {
  const { join } = lab.dataPlane;
  return Promise.all([join("client-a", "nat-a", key), join("client-b", "nat-b", key)]);
}

/** A stack of one relay in the whole lab. */
export function relayStack(lab: WholeLab, name: string, config: Record<string, unknown>): Promise<Stack> {
  return makeStack(lab.engine, name, {
    ...lab.stackConfig,
    "peer-relay:relays": 1,
    "peer-relay:readyTimeoutSeconds": 240,
    ...config,
  });
}

/** The stack's only relay, and the machine that it runs on. */
export async function relayOf(lab: WholeLab, stack: Stack): Promise<Relay & { host: BootedHost }> {
  const [relay] = (await outputsOf(lab.engine, stack)).relays as Relay[];
  assert.ok(relay, `${stack.name} has no relay`);
  const publicIp = relay.endpoint.split(":")[0] ?? "";
  return { ...relay, publicIp, host: lab.instances.host(relay.instanceId) };
}

/** Waits until every relay's port is open and served; `up` ends when they are online, moments before. */
export async function serves(lab: WholeLab): Promise<void> {
  const status = () => lab.instances.status();
  const seen = () => JSON.stringify(status());
  await until("every relay serves", 60, () => status().every(({ serving }) => serving), seen);
}

/** What one ping says: the pong, or why there is none. */
export async function pingOnce(from: TailnetClient, to: string): Promise<string> {
  const lines = await from.ping(to);
  return lines.find((line) => pathOf(line)) ?? lines.join(" ");
}

/**
 * Pings until the path is the wanted one.
 * @param via the relay's address, where there are several
 * @returns the pong, and how many seconds it took
 */
export async function settles(
  from: TailnetClient,
  to: TailnetClient,
  wanted: "derp" | "relay",
  { via = "", seconds = SETTLE_SECONDS } = {},
): Promise<{ pong: string; seconds: number }> {
  const start = Date.now();
  const seen: string[] = [];
  for (;;) {
    const pong = await pingOnce(from, to.ip4 || to.ip6);
    const took = (Date.now() - start) / 1000;
    if (pathOf(pong) === wanted && pong.includes(via)) return { pong, seconds: took };
    if (seen.at(-1) !== pong) seen.push(pong);
    if (took > seconds) {
      const words = `${from.name} to ${to.name}: not by ${wanted} ${via} within ${seconds} s`;
      throw new Error(`${words}:\n${seen.slice(-10).join("\n")}\n${from.lastWords()}`);
    }
    await sleep(200);
  }
}

/** Pings for some seconds, in which every answer has to come by DERP. */
export async function staysOnDerp(from: TailnetClient, to: TailnetClient, seconds: number): Promise<void> {
  const end = Date.now() + seconds * 1000;
  const paths: Record<string, number> = {};
  do {
    const pong = await pingOnce(from, to.ip4);
    const path = pathOf(pong) ?? pong;
    paths[path] = (paths[path] ?? 0) + 1;
    await sleep(500);
  } while (Date.now() < end);
  assert.deepEqual(Object.keys(paths), ["derp"], JSON.stringify(paths));
}

/** The relays that a client may use, by their Tailscale IPs. */
export async function relaysOf(client: TailnetClient): Promise<string[]> {
  return (JSON.parse((await client.cli("debug", "peer-relay-servers")).stdout) as string[] | null) ?? [];
}

/** `scripts/verify` as somebody on the client would run it. */
export function verify(
  client: TailnetClient,
  device: string,
  seconds: number,
): Promise<{ code: number | null; text: string }> {
  const program = ["node", "--import", "tsx", path.join(REPO, "scripts/lib/verify.ts")];
  const argv = ["netns", "exec", client.ns.name, ...program, "--socket", client.socket];
  return new Promise((resolve) => {
    execFile("ip", [...argv, "--seconds", String(seconds), device], { cwd: REPO }, (error, stdout, stderr) =>
      resolve({ code: error ? ((error.code as unknown as number) ?? null) : 0, text: `${stdout}${stderr}` }),
    );
  });
}

/** Bytes that the relay says it has forwarded. */
export async function forwardedBytes(host: BootedHost): Promise<Record<string, number>> {
  const text = await host.must("tailscale metrics print");
  const lines = text.matchAll(
    /^tailscaled_peer_relay_forwarded_bytes_total\{transport_in="(\w+)",transport_out="(\w+)"\} (\d+)/gm,
  );
  return Object.fromEntries([...lines].map(([, from, to, bytes]) => [`${from} to ${to}`, Number(bytes)]));
}
