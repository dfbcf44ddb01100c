import type { WholeLab } from "..";
import { capture, type Placed, type RelayOutputs } from "./capture";
import type { LabState } from "./picture";
import { bold, dim, green, say, step } from "./screen";

/** How long a client may stay on DERP after the relay serves: after a failed try it waits half a minute, at times twice. */
const SETTLE_MS = 90_000;

/** The article's reader: two devices behind hard NATs, which cannot reach each other directly. */
export class TwoDevices {
  private constructor(
    private readonly lab: WholeLab,
    private readonly placed: [Placed, Placed],
  ) {}

  private get a() {
    return this.placed[0].client;
  }

  private get b() {
    return this.placed[1].client;
  }

  static async join(lab: WholeLab): Promise<TwoDevices> {
    const { dataPlane } = lab;
    const place = async (name: string, behind: string) => ({
      client: await dataPlane.join(name, behind),
      behind,
    });
    return new TwoDevices(lab, await Promise.all([place("laptop", "nat-a"), place("desktop", "nat-b")]));
  }

  /**
   * Pings until the path is the wanted one, and shows each answer that differs from the one before.
   * @returns the last answer
   */
  async settleOn(path: "DERP" | "peer-relay"): Promise<string> {
    say(dim(`  laptop$ tailscale ping desktop`));
    const end = Date.now() + SETTLE_MS;
    let shown = "";
    for (;;) {
      const pong = (await this.a.ping(this.b.ip4, 1)).join(" ");
      const taken = / via (\S+?)\(?\b/.exec(pong)?.[1] ?? pong;
      if (taken !== shown) say(`  ${pong.includes(`via ${path}(`) ? green(pong) : pong}`);
      shown = taken;
      if (pong.includes(`via ${path}(`)) return pong;
      if (Date.now() > end)
        throw new Error(`laptop did not get to ${path} within ${SETTLE_MS / 1000} s: ${pong}`);
    }
  }

  /** Sends something, then what both ends have to say about it. */
  async show(relays: RelayOutputs[]): Promise<void> {
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

  /**
   * What the picture needs to know of the lab now. It pings once more: the first answer on a path took longer than those
   * after it, and a client may since have changed relays.
   */
  async state(path: "DERP" | "peer-relay", relays: RelayOutputs[]): Promise<LabState> {
    return capture(this.lab, this.placed, await this.settleOn(path), relays);
  }
}

/** The devices, on the path that they have before there is a relay; and the lab as it then is. */
export async function before(lab: WholeLab): Promise<{ devices: TwoDevices; state: LabState }> {
  step(`Two devices behind hard NATs: ${bold("stuck on DERP")}`);
  const devices = await TwoDevices.join(lab);
  await devices.settleOn("DERP");
  return { devices, state: await devices.state("DERP", []) };
}
