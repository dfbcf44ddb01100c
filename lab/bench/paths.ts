import type { TailnetClient } from "../internet";
import { secondsPerGbit } from "./cpu";
import { withKernelForward } from "./kernel-forward";
import { assertNoWay, assertWay, type Way } from "./metrics";
import type { Relay } from "./relay";
import { tailnetFlow, type Flow, type Traffic } from "./traffic";
import { settle } from "./way";
import type { World } from "./world";

/** The paths, the fastest first as one would think. */
export const PATHS = ["kernel forward", "direct", "peer relay", "DERP"] as const;

export type PathName = (typeof PATHS)[number];

/** One measurement of one path. */
export interface PathFigures {
  tcpMbits: number;
  /** The most that arrived, whatever was sent. */
  udpMbits: number;
  /** Of 100 Mbit/s. */
  udpLostPercent: number;
  latencyMs: number;
  /** Seconds of the relay's tailscaled for a gigabit over TCP; not on paths that pass it by. */
  relayCpu?: number;
}

/** What a measurement takes. */
export interface Effort {
  seconds: number;
  pings: number;
}

/** @throws when the packets do not go where they should */
export function measurePath(
  name: PathName,
  world: World,
  relay: Relay,
  traffic: Traffic,
  effort: Effort,
): Promise<PathFigures> {
  const { a, b, c, x, y } = world.devices;
  const over = (from: TailnetClient, to: TailnetClient, way: Way) =>
    measureTailnet(from, to, way, relay, traffic, effort);
  switch (name) {
    case "kernel forward":
      return withKernelForward(world, relay, (flow) => measureKernel(a, flow, relay, traffic, effort));
    case "direct":
      return over(a, c, "direct");
    case "peer relay":
      return over(a, b, "peer-relay");
    case "DERP":
      return over(x, y, "derp");
  }
}

async function measureTailnet(
  from: TailnetClient,
  to: TailnetClient,
  way: Way,
  relay: Relay,
  traffic: Traffic,
  effort: Effort,
): Promise<PathFigures> {
  const flow = tailnetFlow(from, to);
  await settle(from, to, way, { relay });
  const latencyMs = await traffic.latency(flow, effort.pings);
  const tcp = await tcpOverTailnet(from, to, way, relay, traffic, effort.seconds);
  await settle(from, to, way, { relay });
  const before = await from.metrics();
  const udp = await traffic.udp(flow);
  assertWay(way, before, await from.metrics(), udp.bytes);
  const relayCpu = way === "peer-relay" ? tcp.relayCpu : undefined;
  return { tcpMbits: tcp.mbits, ...udpFigures(udp), latencyMs, relayCpu };
}

/** TCP, with what the relay's tailscaled used meanwhile. @throws when the packets go another way */
export async function tcpOverTailnet(
  from: TailnetClient,
  to: TailnetClient,
  way: Way,
  relay: Relay,
  traffic: Traffic,
  seconds: number,
): Promise<{ mbits: number; relayCpu: number }> {
  await settle(from, to, way, { relay });
  const [before, ticksBefore] = [await from.metrics(), await relay.cpu()];
  const { mbits, bytes } = await traffic.tcp(tailnetFlow(from, to), seconds);
  const ticks = (await relay.cpu()) - ticksBefore;
  assertWay(way, before, await from.metrics(), bytes);
  return { mbits, relayCpu: secondsPerGbit(ticks, await relay.ticksPerSecond(), bytes) };
}

async function measureKernel(
  from: TailnetClient,
  flow: Flow,
  relay: Relay,
  traffic: Traffic,
  { seconds, pings }: Effort,
): Promise<PathFigures> {
  const [before, sentBefore] = [await relay.received(), await from.metrics()];
  const latencyMs = await traffic.latency(flow, pings);
  const tcp = await traffic.tcp(flow, seconds);
  const udp = await traffic.udp(flow);
  const [passed, arrived] = [(await relay.received()) - before, tcp.bytes + udp.bytes];
  if (passed < arrived) {
    throw new Error(`kernel forward: ${arrived} bytes arrived, but only ${passed} came to the relay's host`);
  }
  assertNoWay(sentBefore, await from.metrics(), arrived);
  return { tcpMbits: tcp.mbits, ...udpFigures(udp), latencyMs };
}

const udpFigures = ({ best, lostAtLowest }: Awaited<ReturnType<Traffic["udp"]>>) => ({
  udpMbits: best.mbits,
  udpLostPercent: lostAtLowest,
});
