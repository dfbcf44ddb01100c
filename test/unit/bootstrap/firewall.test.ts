import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scriptFirewall } from "../../../components/bootstrap/script-firewall";

/**
 * Calls a function of the firewall step with the firewall tools replaced by what they would print. The commands that
 * would change a firewall are printed.
 * @param record what earlier runs have opened
 */
function call(tools: Record<string, string>, text: string, record: string[] = []): string {
  const directory = mkdtempSync(join(tmpdir(), "peer-relay-firewall-"));
  writeFileSync(join(directory, "firewall"), record.map((line) => `${line}\n`).join(""));
  const stubs = Object.entries(tools).map(([name, output]) => `${name}() { cat <<'END'\n${output}\nEND\n}\n`);
  const input = `set -eu
    run=${directory} state=${directory}
    port=40000 opened= managed=" ip/filter/INPUT"
    say() { :; }
    note() { echo "$*"; }
    quietly() { echo "$*"; }
    ${stubs.join("")}${scriptFirewall}\n${text}\n`;
  const done = spawnSync("sh", [], { input, encoding: "utf8" });
  rmSync(directory, { recursive: true });
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

const OURS = 'udp dport 40000 accept comment "peer-relay"';

const nftChains: [string, string[], boolean][] = [
  ["no rule of ours", ["tcp dport 22 accept"], false],
  ["our rule", ['iifname "lo" accept', OURS], true],
  ["our rule before one that drops", [OURS, "drop"], true],
  ["our rule behind one that drops", ["drop", OURS], false],
  ["our rule behind one that rejects", ["reject with icmpx admin-prohibited", OURS], false],
  ["our rule behind one that counts and drops", ["counter packets 1 bytes 2 drop", OURS], false],
  [
    "our rule behind one that drops UDP",
    ['iifname "ens5" meta l4proto udp log prefix "no " drop', OURS],
    false,
  ],
  ["our rule behind one that drops the port", ["udp dport 40000 drop", OURS], false],
  ["our rule behind one that drops some sources", ["ip saddr 198.51.100.0/24 drop", OURS], true],
  ["our rule behind one that drops TCP", ["meta l4proto tcp drop", OURS], true],
  ["our rule behind one that drops another port", ["udp dport 4000 drop", OURS], true],
];

describe("the firewall step, in a chain of nftables", () => {
  for (const [what, rules, open] of nftChains) {
    it(`${open ? "finds the port open" : "puts its rule in front"}: ${what}`, () => {
      const nft = table("inet", "f", chain("input", hook("drop"), ...rules));
      const text = `forget_nft_rule() { echo "forget $*"; }\nopen_nftables`;
      const expected = open
        ? "firewall: nftables inet/f/input: UDP 40000 is open\n"
        : `forget inet f input 40000\nnft insert rule inet f input udp dport 40000 accept comment "peer-relay"\n`;
      assert.equal(call({ nft }, text), expected);
    });
  }
});

const ACCEPT = "-A INPUT -p udp -m udp --dport 40000 -j ACCEPT";

const OUTCOMES = {
  none: { title: "leaves the firewall alone", output: "" },
  open: { title: "finds the port open", output: "firewall: iptables: UDP 40000 is open\n" },
  "-A": { title: "opens with -A", output: "iptables -w -A INPUT -p udp --dport 40000 -j ACCEPT\n" },
  "-I": { title: "opens with -I", output: "iptables -w -I INPUT -p udp --dport 40000 -j ACCEPT\n" },
};

const iptables: [string, string[], keyof typeof OUTCOMES][] = [
  ["policy ACCEPT", ["-P INPUT ACCEPT"], "none"],
  ["policy ACCEPT and our rule", ["-P INPUT ACCEPT", ACCEPT], "none"],
  ["policy DROP", ["-P INPUT DROP", "-A INPUT -p tcp --dport 22 -j ACCEPT"], "-A"],
  ["policy DROP and our rule", ["-P INPUT DROP", ACCEPT], "open"],
  [
    "a last rule that rejects",
    ["-P INPUT ACCEPT", "-A INPUT -j REJECT --reject-with icmp-host-prohibited"],
    "-I",
  ],
  ["policy DROP and a rule that drops", ["-P INPUT DROP", "-A INPUT -j DROP"], "-I"],
  ["a chain below that drops", ["-P INPUT ACCEPT", "-N rest", "-A INPUT -j rest", "-A rest -j DROP"], "-I"],
  [
    "tailscale's chain",
    ["-P INPUT ACCEPT", "-A INPUT -j ts-input", "-A ts-input -s 100.64.0.0/10 ! -i ts0 -j DROP"],
    "none",
  ],
  ["forwarding that drops", ["-P INPUT ACCEPT", "-P FORWARD DROP", "-A FORWARD -j DROP"], "none"],
  ["our rule before one that rejects", [ACCEPT, "-A INPUT -j REJECT"], "open"],
  [
    "our rule behind one that rejects",
    ["-A INPUT -j REJECT --reject-with icmp-port-unreachable", ACCEPT],
    "-I",
  ],
  ["our rule between two that reject", ["-A INPUT -j DROP", ACCEPT, "-A INPUT -j DROP"], "-I"],
  ["our rule behind one that drops what comes from outside", ["-A INPUT -i ens5 -j DROP", ACCEPT], "-I"],
  [
    "our rule behind one that drops UDP",
    ['-A INPUT -p udp -m comment --comment "no more" -j DROP', ACCEPT],
    "-I",
  ],
  ["our rule behind one that drops the port", ["-A INPUT -p udp -m udp --dport 40000 -j DROP", ACCEPT], "-I"],
  ["our rule behind one that drops TCP", ["-A INPUT -p tcp -j DROP", ACCEPT], "open"],
  [
    "our rule behind one that drops another port",
    ["-A INPUT -p udp -m udp --dport 4000 -j DROP", ACCEPT],
    "open",
  ],
  ["our rule behind one that drops some sources", ["-A INPUT -s 198.51.100.0/24 -j DROP", ACCEPT], "open"],
  ["our rule behind a chain that drops", ["-A INPUT -g rest", ACCEPT, "-A rest -j DROP"], "-I"],
  [
    "our rule behind a chain that drops some sources",
    ["-A INPUT -j ban", ACCEPT, "-A ban -s 198.51.100.7/32 -j DROP"],
    "open",
  ],
  [
    "our rule behind a chain that drops, for TCP",
    ["-A INPUT -p tcp -j rest", ACCEPT, "-A rest -j DROP"],
    "open",
  ],
];

describe("the firewall step, reading iptables", () => {
  for (const [what, rules, outcome] of iptables) {
    it(`${OUTCOMES[outcome].title}: ${what}`, () => {
      const output = call({ iptables: rules.join("\n") }, "open_iptables iptables ip");
      assert.equal(output, OUTCOMES[outcome].output);
    });
  }

  it("moves its own rule of an earlier run to the front", () => {
    const text = `open_iptables iptables ip; cat "$state/firewall"`;
    assert.equal(
      call({ iptables: `-A INPUT -j DROP\n${ACCEPT}` }, text, ["iptables 40000"]),
      [
        "iptables -w -D INPUT -p udp --dport 40000 -j ACCEPT",
        "iptables -w -I INPUT -p udp --dport 40000 -j ACCEPT",
        "iptables 40000",
        "",
      ].join("\n"),
    );
  });
});

const V4 = "40000/udp                  ALLOW       Anywhere";
const V6 = "40000/udp (v6)             ALLOW       Anywhere (v6)";

const ufw: [string, string[], boolean, { ipv6: boolean }][] = [
  ["no rule", ["22/tcp                     ALLOW       Anywhere"], false, { ipv6: true }],
  ["everybody, IPv4 and IPv6", [V4, V6], true, { ipv6: true }],
  ["everybody, with a comment", [`${V4}                   # relay`, V6], true, { ipv6: true }],
  ["everybody, as ALLOW IN", [V4.replace("ALLOW   ", "ALLOW IN"), V6], true, { ipv6: true }],
  ["everybody over IPv4 alone, by a ufw without IPv6", [V4], true, { ipv6: false }],
  ["everybody over IPv4 alone, by a ufw with IPv6", [V4], false, { ipv6: true }],
  ["everybody over IPv6 alone", [V6], false, { ipv6: true }],
  ["some sources", ["40000/udp                  ALLOW       10.0.0.0/8"], false, { ipv6: false }],
  [
    "some sources, as ALLOW IN",
    ["40000/udp                  ALLOW IN    10.0.0.0/8"],
    false,
    { ipv6: false },
  ],
  [
    "some sources over IPv4",
    ["40000/udp                  ALLOW       10.0.0.0/8", V6],
    false,
    { ipv6: true },
  ],
  ["one interface", ["40000/udp on eth1          ALLOW       Anywhere"], false, { ipv6: false }],
  ["what goes out", ["40000/udp                  ALLOW OUT   Anywhere"], false, { ipv6: false }],
  ["another port", [V4.replace("40000", "140000")], false, { ipv6: false }],
];

describe("the firewall step, reading ufw", () => {
  for (const [what, rules, open, { ipv6 }] of ufw) {
    it(`${open ? "finds the port open" : "opens the port"}: ${what}`, () => {
      const text = `ip6tables() { ${ipv6}; }\nopen_ufw`;
      assert.equal(
        call({ ufw: ["Status: active", "", ...rules].join("\n") }, text),
        open ? "firewall: ufw: UDP 40000 is open\n" : "ufw allow 40000/udp\n",
      );
    });
  }
});

describe("the firewall step, after a change of port", () => {
  it("closes the former port in all that it opened, in firewalld for now and for good", () => {
    const record = [
      "ufw 4000",
      "firewalld 4000",
      "ip6tables 4000",
      "nftables inet/f/input 4000",
      "ufw 40000",
    ];
    const nft = chain("input", `${OURS.replace("40000", "4000")} # handle 7`);
    assert.equal(
      call({ nft }, `close_former_port; cat "$state/firewall"`, record),
      [
        "ufw --force delete allow 4000/udp",
        "firewall-cmd --remove-port=4000/udp",
        "firewall-cmd --permanent --remove-port=4000/udp",
        "ip6tables -w -D INPUT -p udp --dport 4000 -j ACCEPT",
        "nft delete rule inet f input handle 7",
        "ufw 40000",
        "",
      ].join("\n"),
    );
  });
});
