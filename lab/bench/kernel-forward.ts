import type { World } from "./world";
import type { Relay } from "./relay";
import { IPERF_PORT, type Flow } from "./traffic";

/** How the flow is told from all others. */
const FLOW = [`tcp dport ${IPERF_PORT}`, `udp dport ${IPERF_PORT}`, "icmp type echo-request"];

/**
 * The limit: the relay's host passes packets on in the kernel, without tailscale and its encryption, over the same links
 * and through the same gateways as the peer relay. What device `a` sends to the relay's address arrives at device `b`;
 * nothing else changes, and all of it is taken back when `measure` is over.
 */
export async function withKernelForward<T>(
  { lab, devices }: World,
  relay: Relay,
  measure: (flow: Flow) => Promise<T>,
): Promise<T> {
  const { internet } = lab.dataPlane;
  const natB = internet.ns("nat-b");
  const own = await addressOf(devices.b.ns, "eth0");
  const outside = await addressOf(natB, "eth0");
  const handles: string[] = [];
  try {
    for (const match of FLOW) handles.push(await allow(relay, match));
    await relay.network.sysctl({ "ipv4/ip_forward": 1 });
    await relay.network.must(["nft", "-f", "-"], forwarding("ens5", "", outside, true));
    await natB.must(["nft", "-f", "-"], forwarding("eth0", `ip saddr ${relay.address}`, own, false));
    return await measure({ from: devices.a.ns, to: devices.b.ns, address: relay.address });
  } finally {
    await natB.run(["nft", "delete", "table", "ip", "bench_forward"]);
    await relay.network.run(["nft", "delete", "table", "ip", "bench_forward"]);
    await relay.network.sysctl({ "ipv4/ip_forward": 0 });
    for (const handle of handles) {
      await relay.gateway.run(["nft", "delete", "rule", "inet", "gateway", "group_in", "handle", handle]);
    }
  }
}

/** Another rule in the security group. @returns its handle */
async function allow(relay: Relay, match: string): Promise<string> {
  const rule = `insert rule inet gateway group_in ${match} accept`;
  const echoed = await relay.gateway.must(["nft", "-e", "-a", ...rule.split(" ")]);
  const handle = / handle (\d+)/.exec(echoed)?.[1];
  if (!handle) throw new Error(`nft told no handle of the rule that it added: ${echoed}`);
  return handle;
}

/** @param masquerade where the answers would not come back this way by themselves */
function forwarding(device: string, source: string, target: string, masquerade: boolean): string {
  const rules = FLOW.map((match) => `iifname "${device}" ${source} ${match} dnat to ${target}`);
  const out = masquerade
    ? `chain out { type nat hook postrouting priority srcnat; oifname "${device}" ct status dnat masquerade; }`
    : "";
  return `table ip bench_forward {
    chain in { type nat hook prerouting priority dstnat; ${rules.join("; ")}; }
    ${out}
  }`;
}

async function addressOf(
  network: { must(argv: string[]): Promise<string> },
  device: string,
): Promise<string> {
  const text = await network.must(["ip", "-j", "-4", "addr", "show", "dev", device]);
  const [link] = JSON.parse(text) as { addr_info: { local: string }[] }[];
  const address = link?.addr_info[0]?.local;
  if (!address) throw new Error(`${device} has no IPv4 address: ${text}`);
  return address;
}
