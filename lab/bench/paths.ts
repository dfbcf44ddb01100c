import type { TailnetClient } from "../internet";
import { secondsPerGbit } from "./cpu";
import { withKernelForward } from "./kernel-forward";
import { assertNoWay, assertWay, type Way } from "./metrics";
import type { Scene } from "./scene";
import { tailnetFlow, type Flow, type UdpLadder } from "./traffic";
import { settle } from "./way";

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

/** @throws when the packets do not go where they should */
export function measurePath(name: PathName, scene: Scene): Promise<PathFigures> {
  const { a, b, c, x, y } = scene.world.devices;
  switch (name) {
    case "kernel forward":
      return withKernelForward(scene.world, scene.relay, (flow) => measureKernel(scene, a, flow));
    case "direct":
      return measureTailnet(scene, a, c, "direct");
    case "peer relay":
      return measureTailnet(scene, a, b, "peer-relay");
    case "DERP":
      return measureTailnet(scene, x, y, "derp");
  }
}

async function measureTailnet(
  scene: Scene,
  from: TailnetClient,
  to: TailnetClient,
  way: Way,
): Promise<PathFigures> {
  const { relay, traffic, effort } = scene;
  const flow = tailnetFlow(from, to);
  await settle(from, to, way, { relay });
  const latencyMs = await traffic.latency(flow, effort.pings);
  const tcp = await tcpOverTailnet(scene, from, to, way);
  await settle(from, to, way, { relay });
  const before = await from.metrics();
  const udp = await traffic.udp(flow);
  assertWay(way, before, await from.metrics(), udp.bytes);
  const relayCpu = way === "peer-relay" ? tcp.relayCpu : undefined;
  return { tcpMbits: tcp.mbits, ...udpFigures(udp), latencyMs, relayCpu };
}

/** TCP, with what the relay's tailscaled used meanwhile. @throws when the packets go another way */
export async function tcpOverTailnet(
  { relay, traffic, effort }: Scene,
  from: TailnetClient,
  to: TailnetClient,
  way: Way,
): Promise<{ mbits: number; relayCpu: number }> {
  await settle(from, to, way, { relay });
  const [before, ticksBefore] = [await from.metrics(), await relay.cpu()];
  const { mbits, bytes } = await traffic.tcp(tailnetFlow(from, to), effort.seconds);
  const ticks = (await relay.cpu()) - ticksBefore;
  assertWay(way, before, await from.metrics(), bytes);
  return { mbits, relayCpu: secondsPerGbit(ticks, await relay.ticksPerSecond(), bytes) };
}

async function measureKernel(
  { relay, traffic, effort }: Scene,
  from: TailnetClient,
  flow: Flow,
): Promise<PathFigures> {
  const [before, sentBefore] = [await relay.received(), await from.metrics()];
  const latencyMs = await traffic.latency(flow, effort.pings);
  const tcp = await traffic.tcp(flow, effort.seconds);
  const udp = await traffic.udp(flow);
  const [passed, arrived] = [(await relay.received()) - before, tcp.bytes + udp.bytes];
  if (passed < arrived) {
    throw new Error(`kernel forward: ${arrived} bytes arrived, but only ${passed} came to the relay's host`);
  }
  assertNoWay(sentBefore, await from.metrics(), arrived);
  return { tcpMbits: tcp.mbits, ...udpFigures(udp), latencyMs };
}

const udpFigures = ({ best, lostAtLowest }: UdpLadder) => ({
  udpMbits: best.mbits,
  udpLostPercent: lostAtLowest,
});
