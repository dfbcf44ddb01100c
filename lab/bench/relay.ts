import type { BootedHost } from "../hosts";
import type { NetNs } from "../internet";
import { cpuTicks, startedAt } from "./cpu";

/** The relay's machine, as far as it is measured. */
export class Relay {
  readonly address: string;
  readonly port: number;
  private ticks: Promise<number> | undefined;

  constructor(
    readonly host: BootedHost,
    /** Its network, with the interface `ens5`; commands run there are not the machine's own. */
    readonly network: NetNs,
    /** The VPC's router, with the security group. */
    readonly gateway: NetNs,
    endpoint: string,
  ) {
    const [address = "", port] = endpoint.split(":");
    this.address = address;
    this.port = Number(port);
  }

  ticksPerSecond(): Promise<number> {
    return (this.ticks ??= this.host.must("getconf CLK_TCK").then(Number));
  }

  /** Ticks of processor time that its tailscaled has used. */
  async cpu(): Promise<number> {
    return cpuTicks(await this.host.must("cat /proc/$(systemctl show -P MainPID tailscaled)/stat"));
  }

  /** When it was switched on, in milliseconds since 1970. */
  async switchedOnAt(): Promise<number> {
    const [stat = "", uptime = ""] = (await this.host.must("cat /proc/1/stat /proc/uptime")).split("\n");
    return startedAt(stat, uptime, Date.now(), await this.ticksPerSecond());
  }

  /** What its bootstrap printed, as JSON. */
  bootstrapJournal(): Promise<string> {
    return this.host.must(
      "journalctl --no-pager -o json --output-fields=MESSAGE _SYSTEMD_UNIT=peer-relay.service",
    );
  }

  /** Bytes that its interface has received. */
  async received(): Promise<number> {
    const text = await this.network.must(["ip", "-j", "-s", "link", "show", "dev", "ens5"]);
    const [link] = JSON.parse(text) as { stats64: { rx: { bytes: number } } }[];
    if (!link) throw new Error(`no ens5 in the relay's network: ${text}`);
    return link.stats64.rx.bytes;
  }

  /** The receive buffer of the relay's sockets, in bytes, as the kernel counts it: twice what was asked for. */
  async buffer(): Promise<number> {
    const text = await this.network.must(["ss", "-Hlunm", "sport", "=", `:${this.port}`]);
    const sizes = [...text.matchAll(/\brb(\d+)/g)].map(([, size]) => Number(size));
    if (sizes.length === 0) throw new Error(`no socket on the relay's port ${this.port}: ${text}`);
    return Math.min(...sizes);
  }

  /** Restarts its tailscaled; clients have to find it anew. */
  async restart(): Promise<void> {
    await this.host.must("systemctl daemon-reload && systemctl restart tailscaled");
  }
}
