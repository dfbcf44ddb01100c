import { execute, must } from "./command";
import { gatewayRuleset, type GatewaySettings } from "./firewall";
import type { PublicNetwork } from "./network";

/** How an instance's interface is to be. */
export interface GatewayInterface {
  mac: string;
  privateIp: string;
  /** Length of the subnet's prefix. */
  prefixLength: number;
  /** The subnet's first address, which is AWS's router. */
  routerIp: string;
}

/** The link-local address that instances see as their IPv6 router. */
const router6 = "fe80::1";

/**
 * The way between one instance and the internet, in a namespace of its own: the VPC's router, the internet gateway's
 * address translation, and the security group. A second link leads to the metadata service in our own namespace.
 */
export class Gateway {
  /** Address in our own namespace on which this instance's metadata has to be served. */
  readonly metadataAddress: string;
  private current = "";
  private routed: string[] = [];
  private attached = false;

  private constructor(
    private readonly network: PublicNetwork,
    /** Name of the gateway's namespace. */
    readonly name: string,
    /** Name of the instance's namespace, with one interface `ens5`. */
    readonly inner: string,
    private readonly wanted: GatewayInterface,
    private readonly number: number,
  ) {
    this.metadataAddress = `169.254.${number}.1`;
  }

  /** @param number 1 to 168, another one for each gateway that there is */
  static async make(
    network: PublicNetwork,
    id: string,
    wanted: GatewayInterface,
    number: number,
  ): Promise<Gateway> {
    const gateway = new Gateway(network, `vpc-${id}`, id, wanted, number);
    try {
      await gateway.build();
    } catch (error) {
      await gateway.remove();
      throw error;
    }
    return gateway;
  }

  private async build(): Promise<void> {
    const { mac, privateIp, prefixLength, routerIp } = this.wanted;
    const { name, inner, number } = this;
    await this.network.attach(name, []);
    this.attached = true;
    await must(["ip", "netns", "add", inner]);
    const link = `md${number}`;
    const batch = (lines: string[], namespace?: string): Promise<string> =>
      must([...(namespace ? ["ip", "-n", namespace] : ["ip"]), "-batch", "-"], { input: lines.join("\n") });
    await batch([
      `link add ${link} type veth peer name metadata netns ${name}`,
      `addr add ${this.metadataAddress}/30 dev ${link}`,
      `link set ${link} up`,
    ]);
    await batch(
      [
        "link set lo up",
        `addr add 169.254.${number}.2/30 dev metadata`,
        "link set metadata up",
        `link add inside type veth peer name ens5 netns ${inner}`,
        `addr add ${routerIp}/${prefixLength} dev inside`,
        `addr add ${router6}/64 dev inside nodad`,
        "link set inside up",
      ],
      name,
    );
    // As after DHCP and router advertisements.
    await batch(
      [
        "link set lo up",
        `link set ens5 address ${mac}`,
        `addr add ${privateIp}/${prefixLength} dev ens5`,
        "link set ens5 up",
        `route add default via ${routerIp} dev ens5`,
        `route add default via ${router6} dev ens5`,
      ],
      inner,
    );
    await this.inside(["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"]);
  }

  private inside(argv: string[], input?: string): Promise<string> {
    return must(["ip", "netns", "exec", this.name, ...argv], { input });
  }

  /** Brings addresses and rules up to date; does nothing when they are. */
  async update(settings: Omit<GatewaySettings, "metadataAddress" | "privateIp">): Promise<void> {
    const { privateIp } = this.wanted;
    const full = { ...settings, privateIp, metadataAddress: this.metadataAddress };
    const ruleset = gatewayRuleset(full);
    if (ruleset !== this.current) {
      await this.inside(["nft", "-f", "-"], ruleset);
      this.current = ruleset;
    }
    const addresses = [...(settings.publicIp ? [settings.publicIp] : []), ...settings.ipv6];
    for (const address of this.routed.filter((a) => !addresses.includes(a))) await this.giveUp(address);
    for (const address of addresses.filter((a) => !this.routed.includes(a))) await this.take(address);
  }

  private async take(address: string): Promise<void> {
    if (address.includes(":")) {
      await must(["ip", "-n", this.name, "route", "replace", `${address}/128`, "dev", "inside"]);
      await execute(["ip", "-n", this.inner, "addr", "replace", `${address}/128`, "dev", "ens5", "nodad"]);
    } else {
      // Never used as such, since the translation comes before routing: it answers for the address on the link.
      await must(["ip", "-n", this.name, "addr", "replace", `${address}/32`, "dev", "lo"]);
    }
    await this.network.route(address, this.name);
    this.routed.push(address);
  }

  private async giveUp(address: string): Promise<void> {
    this.routed = this.routed.filter((a) => a !== address);
    await this.network.unroute(address, this.name);
    if (address.includes(":")) {
      await execute(["ip", "-n", this.name, "route", "del", `${address}/128`]);
      await execute(["ip", "-n", this.inner, "addr", "del", `${address}/128`, "dev", "ens5"]);
    } else {
      await execute(["ip", "-n", this.name, "addr", "del", `${address}/32`, "dev", "lo"]);
    }
  }

  async remove(): Promise<void> {
    for (const address of [...this.routed]) await this.giveUp(address);
    await execute(["ip", "link", "del", `md${this.number}`]);
    await execute(["ip", "netns", "del", this.inner]);
    await execute(["ip", "-n", this.name, "link", "del", "inside"]);
    if (this.attached) await this.network.detach(this.name);
  }
}
