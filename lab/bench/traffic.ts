import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { NetNs, TailnetClient } from "../internet";
import { parseTcp, parseUdp, DATAGRAM, type Throughput, type UdpThroughput } from "./iperf";
import { latency } from "./pings";

/** The port that iperf3 listens on. */
export const IPERF_PORT = 5201;

/** Rates at which datagrams are sent, in Mbit/s. */
const UDP_RATES = [100, 200, 400, 800];

/** From one host to another one, by an address that leads there. */
export interface Flow {
  from: NetNs;
  to: NetNs;
  address: string;
}

/** What a path carries of datagrams. */
export interface UdpLadder {
  /** The rate at which most arrived. */
  best: UdpThroughput;
  /** Of the lowest rate, in percent. */
  lostAtLowest: number;
  /** Arrived at all rates together. */
  bytes: number;
}

/** Runs iperf3 and ping between hosts; servers log into a directory. */
export class Traffic {
  constructor(private readonly dir: string) {}

  async tcp(flow: Flow, seconds: number): Promise<Throughput> {
    return parseTcp(await this.iperf(flow, ["-t", String(seconds)]));
  }

  /** Sends datagrams at growing rates, a second each. */
  async udp(flow: Flow): Promise<UdpLadder> {
    const steps: UdpThroughput[] = [];
    for (const rate of UDP_RATES) {
      steps.push(
        parseUdp(await this.iperf(flow, ["-u", "-b", `${rate}M`, "-l", String(DATAGRAM), "-t", "1"])),
      );
    }
    const best = steps.reduce((most, step) => (step.mbits > most.mbits ? step : most));
    const bytes = steps.reduce((sum, step) => sum + step.bytes, 0);
    return { best, lostAtLowest: steps[0]!.lostPercent, bytes };
  }

  /** The median round trip, in milliseconds. */
  async latency({ from, address }: Flow, count: number): Promise<number> {
    const { stdout, stderr } = await from.run(["ping", "-D", "-i", "0.01", "-c", String(count), address]);
    return latency(stdout || stderr);
  }

  /** What iperf3 prints as JSON. @throws when there is no server, or no answer */
  async iperf({ from, to, address }: Flow, options: string[]): Promise<string> {
    const server = to.spawn(["iperf3", "-s", "-1", "-p", String(IPERF_PORT)], {
      log: join(this.dir, "iperf3.log"),
    });
    try {
      const listens = `ss -Hltn sport = :${IPERF_PORT}`.split(" ");
      for (let tries = 0; (await to.must(listens)) === ""; tries++) {
        if (!server.running || tries === 100)
          throw new Error(`iperf3 does not listen: ${server.lastWords()}`);
        await sleep(50);
      }
      const argv = ["iperf3", "-c", address, "-p", String(IPERF_PORT), "-J", ...options];
      return (await from.run(argv)).stdout;
    } finally {
      await server.stop();
    }
  }
}

/** Between two devices, over the tailnet. */
export const tailnetFlow = (from: TailnetClient, to: TailnetClient): Flow => ({
  ...{ from: from.ns, to: to.ns, address: to.ip4 },
});
