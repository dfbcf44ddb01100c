import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Delay } from "./delay";
import { NetNs } from "./namespace";

/** Where our own namespace is on the lab's internet. */
export const CONTROL_ADDRESSES = ["203.0.113.10", "2001:db8:113::10"];

const ROUTER_ADDRESS = "203.0.113.1";

/** Options of {@link startInternet}. */
export interface InternetOptions {
  /** Directory for the logs and the state of what runs on this internet; made when it is not there. */
  dir: string;
}

/** A local network behind a gateway. */
export interface Lan {
  /** Makes a host in it. */
  join(name: string): Promise<NetNs>;
}

/** A router, hosts with one link each to it, and no way out. */
export interface Internet {
  dir: string;
  /** The local networks, by their gateway's name. */
  lans: Map<string, Lan>;
  /** A host with a namespace of its own and one link, `eth0`, to the router; `addresses` are put on it and routed to it. */
  attach(name: string, addresses: string[]): Promise<NetNs>;
  /** Takes an attached host away, with its addresses; what `spawn` started there is stopped. */
  detach(name: string): Promise<void>;
  /** A namespace of its own, with `lo` up, that is not attached. */
  makeNamespace(name: string): Promise<NetNs>;
  /** Routes another address or IPv6 prefix (an Elastic IP) to an attached host; it may have been another's before. */
  route(address: string, name: string): Promise<void>;
  /** Takes an address back from a host, if it still has it and not another one by now; packets to it are refused. */
  unroute(address: string, name: string): Promise<void>;
  /** A namespace by name; `control` is where we run, at {@link CONTROL_ADDRESSES}. */
  ns(name: string): NetNs;
  /** Cuts an attached host's link: its end has no carrier any more, and what is sent to it is lost without a word. */
  cut(name: string): Promise<void>;
  mend(name: string): Promise<void>;
  /**
   * Delays what goes over an attached host's link, each way by `ms`; 0 takes the delay away. Not for measuring
   * throughput: each packet passes a process of ours.
   * @throws without a usable /dev/net/tun
   */
  delay(name: string, ms: number): Promise<void>;
  /** Ends what was started with `NetNs.spawn` and removes all namespaces. */
  close(): Promise<void>;
}

/** A host's link: `device` on the router's side; all that is routed over it. */
interface Link {
  number: number;
  device: string;
  addresses: Set<string>;
  cut: boolean;
  delay?: Delay;
}

/**
 * Makes the router, with our own namespace attached to it as `control`.
 * @throws outside of `lab/internet/enter.sh`
 */
export async function startInternet({ dir }: InternetOptions): Promise<Internet> {
  if (process.env.PEER_RELAY_LAB_NET !== "1") {
    throw new Error("the lab's internet needs namespaces of its own: run this with lab/internet/enter.sh");
  }
  mkdirSync(dir, { recursive: true });
  const internet = new RoutedInternet(dir);
  try {
    await internet.start();
  } catch (error) {
    await internet.close();
    throw error;
  }
  return internet;
}

class RoutedInternet implements Internet {
  readonly lans = new Map<string, Lan>();
  private readonly control = new NetNs("control");
  private readonly router = new NetNs("internet");
  private readonly namespaces = new Map([["control", this.control]]);
  private readonly links = new Map<string, Link>();
  private linksMade = 0;

  constructor(readonly dir: string) {}

  async start(): Promise<void> {
    await this.makeNamespace("internet");
    await this.router.sysctl({
      "ipv4/ip_forward": 1,
      "ipv6/conf/all/forwarding": 1,
      // What the machine has for these would be ours too.
      "ipv4/conf/all/rp_filter": 0,
      "ipv4/conf/default/rp_filter": 0,
      // Every packet that has nowhere to go is told so.
      "ipv4/icmp_ratelimit": 0,
      "ipv6/icmp/ratelimit": 0,
    });
    await this.connect(this.control, "net0", CONTROL_ADDRESSES);
  }

  ns(name: string): NetNs {
    const namespace = this.namespaces.get(name);
    if (!namespace) {
      throw new Error(`there is no namespace ${name}; there are ${[...this.namespaces.keys()].join(", ")}`);
    }
    return namespace;
  }

  async makeNamespace(name: string): Promise<NetNs> {
    if (this.namespaces.has(name)) throw new Error(`the namespace ${name} is there already`);
    const namespace = name === "internet" ? this.router : new NetNs(name);
    this.namespaces.set(name, namespace);
    await this.control.ip(`netns add ${name}`);
    await namespace.ip("link set lo up");
    return namespace;
  }

  async attach(name: string, addresses: string[]): Promise<NetNs> {
    const host = await this.makeNamespace(name);
    await this.connect(host, "eth0", addresses);
    return host;
  }

  /**
   * Both ends of a link have a fixed link-local address, and IPv6 is routed through them. For IPv4 the router has the
   * same address on all links, and asks for a host's addresses on its link.
   */
  private async connect(host: NetNs, device: string, addresses: string[]): Promise<void> {
    const number = ++this.linksMade;
    const link: Link = { number, device: `l${number}`, addresses: new Set(addresses), cut: false };
    const peer = host === this.control ? "" : `netns ${host.name}`;
    await this.control.ip(
      `link add name ${link.device} netns internet type veth peer name ${device} ${peer}`,
    );
    const [v4, v6] = [addresses.find((a) => !isV6(a)), addresses.find(isV6)];
    await host.ip(
      ...addresses.map((address) => `address add ${address} dev ${device} ${isV6(address) ? "nodad" : ""}`),
      `address add fe80::2/64 dev ${device} nodad`,
      `link set ${device} up`,
      `route add default via ${ROUTER_ADDRESS} dev ${device} onlink ${v4 ? `src ${v4}` : ""}`,
      `route add default via fe80::1 dev ${device} ${v6 ? `src ${v6}` : ""}`,
    );
    this.links.set(host.name, link);
    await this.bringUp(link);
  }

  private async bringUp(link: Link): Promise<void> {
    await this.router.ip(
      `address replace ${ROUTER_ADDRESS}/32 dev ${link.device}`,
      `link set ${link.device} up`,
      `address replace fe80::1/64 dev ${link.device} nodad`,
    );
    await link.delay?.routeToLink();
    await this.routeAll(link);
  }

  private async routeAll(link: Link): Promise<void> {
    await this.router.ip(...[...link.addresses].map((address) => routeOver(link, address)));
  }

  async route(address: string, name: string): Promise<void> {
    const link = this.link(name);
    for (const { addresses } of this.links.values()) addresses.delete(address);
    link.addresses.add(address);
    await this.router.ip(routeOver(link, address));
  }

  async unroute(address: string, name: string): Promise<void> {
    if (this.link(name).addresses.delete(address)) await this.router.ip(`route del ${address}`);
  }

  async cut(name: string): Promise<void> {
    const link = this.link(name);
    link.cut = true;
    await this.router.ip(`link set ${link.device} down`);
    await this.routeAll(link);
  }

  async mend(name: string): Promise<void> {
    const link = this.link(name);
    link.cut = false;
    await this.bringUp(link);
  }

  async delay(name: string, ms: number): Promise<void> {
    const link = this.link(name);
    const before = link.delay;
    link.delay = undefined;
    await this.routeAll(link);
    await before?.stop();
    if (ms === 0) return;
    const delay = new Delay(this.router, link.device, link.number);
    await delay.start(ms, join(this.dir, `delay-${name}.log`));
    link.delay = delay;
    await this.routeAll(link);
  }

  async detach(name: string): Promise<void> {
    const link = this.link(name);
    await this.delay(name, 0);
    await this.ns(name).stopAll();
    for (const address of [...link.addresses]) await this.unroute(address, name);
    await this.router.ip(`link del ${link.device}`);
    this.links.delete(name);
    await this.removeNamespace(name);
  }

  async close(): Promise<void> {
    await Promise.all([...this.namespaces.values()].map((namespace) => namespace.stopAll()));
    for (const name of [...this.namespaces.keys()].reverse()) {
      if (name !== "control") await this.removeNamespace(name);
    }
    // The kernel takes apart a removed namespace later; our end of the link has to be gone when we return.
    await this.control.run(["ip", "link", "del", "net0"]);
    this.links.clear();
    this.lans.clear();
  }

  private async removeNamespace(name: string): Promise<void> {
    this.namespaces.delete(name);
    await this.control.run(["ip", "netns", "del", name]);
  }

  private link(name: string): Link {
    const link = this.links.get(name);
    if (!link) throw new Error(`no host ${name} is attached; there are ${[...this.links.keys()].join(", ")}`);
    return link;
  }
}

const isV6 = (address: string): boolean => address.includes(":");

/** As on the internet, nobody hears of a host's cut link: what is sent to it gets lost. */
function routeOver(link: Link, address: string): string {
  if (link.cut) return `route replace blackhole ${address}`;
  if (link.delay) return `route replace ${address} dev ${link.delay.toHost}`;
  return `route replace ${address} ${isV6(address) ? "via fe80::2 " : ""}dev ${link.device}`;
}
