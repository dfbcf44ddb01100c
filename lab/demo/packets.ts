import type { WholeLab } from "..";
import type { TailnetClient } from "../internet";
import { bold, dim, green, say, step } from "./screen";

/** How long a client may stay on DERP after the relay serves: after a failed try it waits half a minute, at times twice. */
const SETTLE_MS = 90_000;

/** The article's reader: two devices behind hard NATs, which cannot reach each other directly. */
export class TwoDevices {
  private constructor(
    private readonly lab: WholeLab,
    private readonly a: TailnetClient,
    private readonly b: TailnetClient,
  ) {}

  static async join(lab: WholeLab): Promise<TwoDevices> {
    const { dataPlane } = lab;
    const [a, b] = await Promise.all([dataPlane.join("laptop", "nat-a"), dataPlane.join("desktop", "nat-b")]);
    return new TwoDevices(lab, a, b);
  }

  /** Pings until the path is the wanted one, and shows each answer that differs from the one before. */
  async settleOn(path: "DERP" | "peer-relay"): Promise<void> {
    say(dim(`  laptop$ tailscale ping desktop`));
    const end = Date.now() + SETTLE_MS;
    let shown = "";
    for (;;) {
      const pong = (await this.a.ping(this.b.ip4, 1)).join(" ");
      const taken = / via (\S+?)\(?\b/.exec(pong)?.[1] ?? pong;
      if (taken !== shown) say(`  ${pong.includes(`via ${path}(`) ? green(pong) : pong}`);
      shown = taken;
      if (pong.includes(`via ${path}(`)) return;
      if (Date.now() > end)
        throw new Error(`laptop did not get to ${path} within ${SETTLE_MS / 1000} s: ${pong}`);
    }
  }

  /** Sends something, then what both ends have to say about it. */
  async show(relays: { instanceId: string; hostname: string }[]): Promise<void> {
    if (this.a.tun) await this.a.ns.run(["ping", "-c", "200", "-i", "0.01", "-s", "1000", "-q", this.b.ip4]);
    // Without a tun device, only tailscale itself has something to send through WireGuard: a ping, one at a time.
    else for (let i = 0; i < 20; i++) await this.a.cli("ping", "--tsmp", this.b.ip4);
    say(dim("  laptop$ tailscale status"));
    const status = (await this.a.cli("status")).stdout.split("\n");
    for (const line of status.filter((text) => text.includes("desktop"))) say(`  ${line}`);
    for (const { instanceId, hostname } of relays) {
      const host = this.lab.instances.host(instanceId);
      say(dim(`  ${hostname}$ tailscale metrics print`));
      const lines = (await host.must("tailscale metrics print")).split("\n");
      for (const line of lines.filter((text) => /^tailscaled_peer_relay_forwarded_bytes/.test(text)))
        say(`  ${line}`);
    }
  }
}

/** The path before there is a relay. */
export async function before(lab: WholeLab): Promise<TwoDevices> {
  step(`Two devices behind hard NATs: ${bold("stuck on DERP")}`);
  const devices = await TwoDevices.join(lab);
  await devices.settleOn("DERP");
  return devices;
}
