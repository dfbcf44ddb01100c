import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { scriptFirewall } from "../../../components/bootstrap/script-firewall";

/** Calls a function of the firewall step with the firewall tools replaced by what they would print. */
function call(tools: Record<string, string>, text: string): string {
  const stubs = Object.entries(tools).map(([name, output]) => `${name}() { cat <<'END'\n${output}\nEND\n}\n`);
  const input = `set -eu\nport=40000 opened= managed=" ip/filter/INPUT"\n${stubs.join("")}${scriptFirewall}\n${text}\n`;
  const done = spawnSync("sh", [], { input, encoding: "utf8" });
  return done.stdout + done.stderr;
}

const table = (family: string, name: string, ...chains: string[]): string =>
  `table ${family} ${name} {\n${chains.join("\n\n")}\n}`;
const chain = (name: string, ...lines: string[]): string =>
  `\tchain ${name} {\n\t\t${lines.join("\n\t\t")}\n\t}`;
const hook = (policy: string): string => `type filter hook input priority filter; policy ${policy};`;

const rulesets: [string, string, string][] = [
  ["no ruleset", "", ""],
  ["an input chain that accepts", table("inet", "filter", chain("input", hook("accept"))), ""],
  ["a policy that drops", table("inet", "filter", chain("input", hook("drop"))), "inet filter input\n"],
  [
    "a rule that rejects",
    table("ip6", "f", chain("in", hook("accept"), "tcp dport 22 accept", "reject")),
    "ip6 f in\n",
  ],
  [
    "a rule that drops the rest",
    table("ip", "f", chain("in", hook("accept"), 'counter drop comment "x"')),
    "ip f in\n",
  ],
  [
    "a jump to a chain that drops",
    table(
      "inet",
      "f",
      chain("rest", "udp dport 53 accept", "drop"),
      chain("input", hook("accept"), "jump rest"),
    ),
    "inet f input\n",
  ],
  [
    "tailscale's own chains",
    table(
      "ip",
      "x",
      chain("ts-input", "ip saddr 100.64.0.0/10 counter packets 0 bytes 0 drop"),
      chain("input", hook("accept"), "counter packets 1 bytes 2 jump ts-input"),
    ),
    "",
  ],
  [
    "forwarding that drops",
    table("inet", "f", chain("forward", hook("drop").replace("input", "forward"))),
    "",
  ],
  ["iptables' own chain", table("ip", "filter", chain("INPUT", hook("drop"))), ""],
  ["a bridge", table("bridge", "f", chain("input", hook("drop"))), ""],
  [
    "two tables",
    table("inet", "a", chain("input", hook("drop"))) +
      "\n" +
      table("ip", "b", chain("in", hook("accept"), "drop")),
    "inet a input\nip b in\n",
  ],
];

describe("the firewall step, reading nftables", () => {
  for (const [what, ruleset, expected] of rulesets) {
    it(`${expected ? "finds the chain that closes the port" : "leaves the firewall alone"}: ${what}`, () => {
      assert.equal(call({ nft: ruleset }, "closing_chains | sort"), expected);
    });
  }
});

const iptables: [string, string, string][] = [
  ["policy ACCEPT", "-P INPUT ACCEPT", ""],
  ["policy DROP", "-P INPUT DROP\n-A INPUT -p tcp --dport 22 -j ACCEPT", "-A INPUT"],
  [
    "a last rule that rejects",
    "-P INPUT ACCEPT\n-A INPUT -j REJECT --reject-with icmp-host-prohibited",
    "-I INPUT",
  ],
  ["policy DROP and a rule that drops", "-P INPUT DROP\n-A INPUT -j DROP", "-I INPUT"],
  ["a chain below that drops", "-P INPUT ACCEPT\n-N rest\n-A INPUT -j rest\n-A rest -j DROP", "-I INPUT"],
  [
    "tailscale's chain",
    "-P INPUT ACCEPT\n-A INPUT -j ts-input\n-A ts-input -s 100.64.0.0/10 ! -i ts0 -j DROP",
    "",
  ],
  ["forwarding that drops", "-P INPUT ACCEPT\n-P FORWARD DROP\n-A FORWARD -j DROP", ""],
];

describe("the firewall step, reading iptables", () => {
  for (const [what, rules, expected] of iptables) {
    it(`${expected ? `opens with ${expected.slice(0, 2)}` : "leaves the firewall alone"}: ${what}`, () => {
      const text = `quietly() { return 1; }
        did_open() { shift; echo "$*"; }
        open_iptables iptables ip`;
      const command = `iptables -w ${expected} -p udp --dport 40000 -j ACCEPT\n`;
      assert.equal(call({ iptables: rules }, text), expected ? command : "");
    });
  }
});
