import type { FirewallRule } from "../instances";

/** What stands between an instance and the internet: its addresses, its security groups, its metadata. */
export interface GatewaySettings {
  privateIp: string;
  /** The address that the internet gateway puts in place of the private one. */
  publicIp?: string;
  ipv6: string[];
  rules: FirewallRule[];
  /** Hops that answers of the metadata service survive (`HttpPutResponseHopLimit`). */
  hopLimit: number;
  /** Where the metadata service really listens. */
  metadataAddress: string;
}

/** Where instances look for their metadata. */
export const metadataIp = "169.254.169.254";

/**
 * The nftables rules of an instance's gateway, whose interfaces are `eth0` (to the internet), `inside` and `metadata`.
 *
 * The address translation is stateless, as EC2's is: an Elastic IP that moves leaves no old mapping behind. The security
 * group looks at every packet in a flow's first direction, not only at the first packet, so that a rule that is taken
 * away ends the flows that it had let in; answers pass whatever the rules say.
 */
export function gatewayRuleset(s: GatewaySettings): string {
  const chain = (name: string, head: string, lines: string[]): string =>
    [
      `  chain ${name} {`,
      ...(head ? [`    ${head}`] : []),
      ...lines.map((line) => `    ${line}`),
      "  }",
    ].join("\n");
  const hook = (type: string, where: string, priority: number, policy = "accept"): string =>
    `type ${type} hook ${where} priority ${priority}; policy ${policy};`;
  const own6 =
    s.ipv6.length > 0 ? [`ip6 saddr != { ${s.ipv6.join(", ")} } drop`] : ["meta nfproto ipv6 drop"];
  const direction = (wanted: "in" | "out"): string[] =>
    s.rules.filter((r) => r.direction === wanted).flatMap(ruleLines);
  return [
    "table inet gateway {}",
    "delete table inet gateway",
    "table inet gateway {",
    chain(
      "address_in",
      hook("filter", "prerouting", -300),
      s.publicIp ? [`iifname "eth0" ip daddr ${s.publicIp} ip daddr set ${s.privateIp}`] : [],
    ),
    chain("metadata_in", hook("nat", "prerouting", -100), [
      `iifname "inside" ip daddr ${metadataIp} tcp dport 80 dnat ip to ${s.metadataAddress}`,
    ]),
    chain("metadata_out", hook("nat", "postrouting", 100), [`oifname "metadata" masquerade`]),
    chain("forward", hook("filter", "forward", 0, "drop"), [
      "ct state established,related ct direction reply accept",
      `iifname "inside" oifname "metadata" ip saddr ${s.privateIp} accept`,
      `iifname "eth0" oifname "inside" jump group_in`,
      `iifname "inside" oifname "eth0" jump group_out`,
    ]),
    chain("group_in", "", direction("in")),
    chain("group_out", "", [`ip saddr != ${s.privateIp} drop`, ...own6, ...direction("out")]),
    chain("address_out", hook("filter", "postrouting", 300), [
      `oifname "inside" ip saddr ${metadataIp} ip ttl set ${s.hopLimit}`,
      s.publicIp
        ? `oifname "eth0" ip saddr ${s.privateIp} ip saddr set ${s.publicIp}`
        : `oifname "eth0" meta nfproto ipv4 drop`,
    ]),
    "}",
    "",
  ].join("\n");
}

/** One rule of a security group; protocols by name or number, `-1` for all. */
function ruleLines(rule: FirewallRule): string[] {
  const side = rule.direction === "in" ? "saddr" : "daddr";
  return rule.cidrs.map((cidr) =>
    [`${cidr.includes(":") ? "ip6" : "ip"} ${side} ${cidr}`, protocolMatch(rule), "accept"]
      .filter(Boolean)
      .join(" "),
  );
}

const protocolNames: Record<string, string> = { "1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6" };

function protocolMatch(rule: FirewallRule): string {
  const protocol = protocolNames[rule.protocol] ?? rule.protocol;
  const { fromPort = -1, toPort = -1 } = rule;
  switch (protocol) {
    case "-1":
      return "";
    case "tcp":
    case "udp":
      return `${protocol} dport ${fromPort}-${toPort}`;
    case "icmp":
    case "icmpv6":
      // For ICMP these are type and code.
      return [
        `meta l4proto ${protocol === "icmp" ? "icmp" : "ipv6-icmp"}`,
        ...(fromPort === -1 ? [] : [`${protocol} type ${fromPort}`]),
        ...(toPort === -1 ? [] : [`${protocol} code ${toPort}`]),
      ].join(" ");
    default:
      return `meta l4proto ${protocol}`;
  }
}
