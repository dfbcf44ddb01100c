import assert from "node:assert/strict";
import { gatewayRuleset, type GatewaySettings } from "../../../lab/hosts/firewall";
import type { FirewallRule } from "../../../lab/instances";

const settings: GatewaySettings = {
  privateIp: "10.0.0.4",
  publicIp: "203.0.113.30",
  ipv6: [],
  rules: [],
  hopLimit: 1,
  metadataAddress: "169.254.1.1",
};

/** The lines of one chain. */
function chain(ruleset: string, name: string): string[] {
  const [, body = ""] = ruleset.split(`  chain ${name} {\n`);
  return body
    .split(/^ {2}\}$/m)[0]!
    .split("\n")
    .flatMap((line) => line.trim() || []);
}

describe("the rules of an instance's gateway", () => {
  const rules: [string, Partial<FirewallRule>, string[]][] = [
    [
      "a port for everybody",
      { protocol: "udp", fromPort: 40000, toPort: 40000, cidrs: ["0.0.0.0/0", "::/0"] },
      ["ip saddr 0.0.0.0/0 udp dport 40000-40000 accept", "ip6 saddr ::/0 udp dport 40000-40000 accept"],
    ],
    [
      "a range of ports for one network, the protocol by its number",
      { protocol: "6", fromPort: 80, toPort: 443, cidrs: ["198.51.100.0/24"] },
      ["ip saddr 198.51.100.0/24 tcp dport 80-443 accept"],
    ],
    ["everything", { protocol: "-1" }, ["ip saddr 0.0.0.0/0 accept"]],
    [
      "all of ICMP",
      { protocol: "icmp", fromPort: -1, toPort: -1 },
      ["ip saddr 0.0.0.0/0 meta l4proto icmp accept"],
    ],
    [
      "one type of ICMPv6",
      { protocol: "58", fromPort: 128, toPort: -1, cidrs: ["::/0"] },
      ["ip6 saddr ::/0 meta l4proto ipv6-icmp icmpv6 type 128 accept"],
    ],
    ["another protocol", { protocol: "50" }, ["ip saddr 0.0.0.0/0 meta l4proto 50 accept"]],
    ["nobody", { protocol: "udp", fromPort: 1, toPort: 1, cidrs: [] }, []],
  ];
  for (const [what, rule, lines] of rules) {
    it(`let in ${what}`, () => {
      const full: FirewallRule = { direction: "in", protocol: "-1", cidrs: ["0.0.0.0/0"], ...rule };
      assert.deepEqual(chain(gatewayRuleset({ ...settings, rules: [full] }), "group_in"), lines);
    });
  }

  it("let out what the group allows, from the instance's own addresses only", () => {
    const out: FirewallRule = { direction: "out", protocol: "-1", cidrs: ["0.0.0.0/0", "::/0"] };
    const ruleset = gatewayRuleset({ ...settings, ipv6: ["2001:db8::4"], rules: [out] });
    assert.deepEqual(
      [chain(ruleset, "group_in"), chain(ruleset, "group_out")],
      [
        [],
        [
          "ip saddr != 10.0.0.4 drop",
          "ip6 saddr != { 2001:db8::4 } drop",
          "ip daddr 0.0.0.0/0 accept",
          "ip6 daddr ::/0 accept",
        ],
      ],
    );
  });

  it("let nothing of IPv4 out while there is no public address", () => {
    const ruleset = gatewayRuleset({ ...settings, publicIp: undefined });
    assert.deepEqual(
      [chain(ruleset, "address_in").slice(1), chain(ruleset, "address_out").at(-1)],
      [[], 'oifname "eth0" meta nfproto ipv4 drop'],
    );
  });
});
