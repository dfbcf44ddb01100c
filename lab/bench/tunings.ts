import { setBufferLimits, bufferLimits, whyNoBufferLimits } from "./machine-settings";
import type { Links } from "./links";
import type { Relay } from "./relay";

/** Something on the relay's host that is measured on and off. */
export interface Tuning {
  name: string;
  /** With which links it is measured. */
  links: Links[];
  /** Not a candidate for the bootstrap: what must show a difference, or the others show nothing either. */
  control?: boolean;
  /** Before the first figure. */
  prepare?(relay: Relay): Promise<void>;
  set(relay: Relay, on: boolean): Promise<void>;
  /** After the last one; it is off by then. */
  clear?(relay: Relay): Promise<void>;
  /** Why it cannot be measured on this machine, or undefined when it can. */
  whyNot?(): Promise<string | undefined>;
}

const both: Links[] = ["plain", "wire-like"];

/** Without them, each datagram costs the relay a system call's share of its own. */
const batches: Tuning = {
  name: "GRO and GSO in tailscaled (the control)",
  links: ["plain"],
  control: true,
  async set({ host }, on) {
    const file = "/run/systemd/system/tailscaled.service.d/bench.conf";
    const without = "Environment=TS_DEBUG_DISABLE_UDP_GRO=true TS_DEBUG_DISABLE_UDP_GSO=true";
    const drop = on
      ? `rm -f ${file}`
      : `mkdir -p $(dirname ${file}) && printf '[Service]\\n${without}\\n' >${file}`;
    await host.must(`${drop}\nsystemctl daemon-reload && systemctl restart tailscaled`);
  },
};

const forwarding: Tuning = {
  name: "rx-udp-gro-forwarding",
  links: both,
  async set({ network }, on) {
    const word = on ? "on" : "off";
    await network.must(["ethtool", "-K", "ens5", "rx-udp-gro-forwarding", word, "rx-gro-list", "off"]);
  },
};

/** Of the tuning guides: as much as they ask for, and twice what tailscaled asks for. */
const RAISED = 16 * 1024 * 1024;

function buffers(): Tuning {
  let before: Awaited<ReturnType<typeof bufferLimits>> | undefined;
  return {
    name: "net.core.rmem_max, wmem_max 16 MiB",
    links: both,
    whyNot: whyNoBufferLimits,
    async set(relay, on) {
      before ??= await bufferLimits();
      await setBufferLimits(on ? { "net.core.rmem_max": RAISED, "net.core.wmem_max": RAISED } : before);
      await relay.restart(); // a socket gets its buffer when it is made
    },
  };
}

/** The rule as the bootstrap adds it, so that its health look finds the port open. */
const statefulFirewall = (port: number) => `table inet bench_firewall {
  chain input {
    type filter hook input priority filter; policy drop;
    udp dport ${port} accept comment "peer-relay"
    ct state established,related accept
    iifname { "lo", "tailscale0" } accept
    icmp type echo-request accept
  }
}`;

const untracked = (port: number) => `table inet bench_notrack {
  chain in { type filter hook prerouting priority raw; udp dport ${port} notrack; }
  chain out { type filter hook output priority raw; udp sport ${port} notrack; }
}`;

const notrack: Tuning = {
  name: "NOTRACK, stateful firewall",
  links: both,
  async prepare({ network, port }) {
    await network.must(["nft", "-f", "-"], statefulFirewall(port));
  },
  async set({ network, port }, on) {
    if (on) await network.must(["nft", "-f", "-"], untracked(port));
    else await network.run(["nft", "delete", "table", "inet", "bench_notrack"]);
  },
  async clear({ network }) {
    await network.must(["nft", "delete", "table", "inet", "bench_firewall"]);
  },
};

/** The candidates, from what people's scripts for relays do. */
export const tunings = (): Tuning[] => [batches, forwarding, buffers(), notrack];
