import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { tunIsUsable } from "./client";
import type { NetNs, RunningProcess } from "./namespace";
import { until } from "./wait";

/**
 * A delay on a router's link, in both directions. This kernel may have no netem, so packets make a detour through
 * devices of a process of ours that keeps them for a while: to the host through `toHost`, from it through another one.
 */
export class Delay {
  /** The router's routes to the host have to lead here, instead of to the link. */
  readonly toHost: string;
  private readonly fromHost: string;
  private readonly tables: { toHost: number; fromHost: number };
  private process: RunningProcess | undefined;

  /** @param number of the link, which no other link of the router has */
  constructor(
    private readonly router: NetNs,
    private readonly device: string,
    number: number,
  ) {
    this.toHost = `to${number}`;
    this.fromHost = `from${number}`;
    this.tables = { toHost: 1000 + 2 * number, fromHost: 1001 + 2 * number };
  }

  /** @throws without python3 or a usable /dev/net/tun */
  async start(ms: number, log: string): Promise<void> {
    if (!tunIsUsable()) throw new Error("a delay needs /dev/net/tun, and this user cannot open it");
    const { router, toHost, fromHost, tables } = this;
    rmSync(log, { force: true }); // what an earlier one said does not count
    const program = join(__dirname, "delay.py");
    const process = router.spawn(["python3", program, String(ms), toHost, fromHost], { log });
    this.process = process;
    const ready = () => {
      if (!process.running) throw new Error(process.lastWords());
      return readFileSync(log, "utf8").endsWith("ready\n");
    };
    await until("the delaying process has its devices", 20, ready, () => process.lastWords());
    await router.ip(`link set ${toHost} up`, `link set ${fromHost} up`);
    await this.routeToLink();
    await this.bothFamilies(
      `route replace default dev ${fromHost} table ${tables.fromHost}`,
      `rule add pref 10 iif ${toHost} lookup ${tables.toHost}`,
      `rule add pref 20 iif ${this.device} lookup ${tables.fromHost}`,
    );
  }

  /** The last part of the way to the host; the kernel forgets it when the link goes down. */
  async routeToLink(): Promise<void> {
    const route = (via: string) =>
      `route replace default ${via} dev ${this.device} table ${this.tables.toHost}`;
    await this.router.ip(route(""), route("via fe80::2"));
  }

  /** Nothing may be routed to {@link toHost} any more. */
  async stop(): Promise<void> {
    await this.bothFamilies(`rule del pref 10 iif ${this.toHost}`, `rule del pref 20 iif ${this.device}`);
    await this.process?.kill();
  }

  private async bothFamilies(...lines: string[]): Promise<void> {
    for (const family of ["-4", "-6"])
      await this.router.must(["ip", family, "-batch", "-"], lines.join("\n"));
  }
}
