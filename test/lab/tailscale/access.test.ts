import assert from "node:assert/strict";
import { reachability, type Answer } from "../../../lab/tailscale/access";
import { readPolicy } from "../../../lab/tailscale/policy-shape";

const policy = readPolicy(`{
  "tagOwners": {"tag:a": [], "tag:b": []},
  "groups": {"group:dev": ["alice@example.com", "bob@example.com"], "group:none": []},
  "hosts": {"db": "10.1.0.5", "box": "100.64.0.9"},
  "ipsets": {"ipset:net": ["add 10.2.0.0/16", "ipset:more"], "ipset:more": ["10.3.0.0/16"], "ipset:cut": ["10.4.0.0/16", "remove 10.4.0.1"]},
  "postures": {"posture:p": []},
  "acls": [
    {"action": "accept", "src": ["tag:a"], "dst": ["tag:b:22,80-90", "[fd7a:115c:a1e0::5]:443"]},
    {"action": "accept", "src": ["group:dev"], "proto": "udp", "dst": ["10.0.0.0/8:53"]},
  ],
  "grants": [
    {"src": ["alice@example.com"], "dst": ["db"], "ip": ["tcp:5432"]},
    {"src": ["autogroup:member"], "dst": ["autogroup:self"], "ip": ["*"]},
    {"src": ["autogroup:admin"], "dst": ["tag:a"], "ip": ["*"]},
    {"src": ["tag:b"], "dst": ["ipset:net", "ipset:cut"], "ip": ["443"]},
    {"src": ["tag:b"], "dst": ["autogroup:internet"], "ip": ["icmp:*"]},
    {"src": ["user:*@example.org"], "dst": ["svc:web"], "ip": ["443"], "srcPosture": ["posture:p"]},
  ],
}`);

describe("the Tailscale API server: who reaches whom", () => {
  const cases: [src: string, dst: string, ports: string, proto: string, answer: Answer][] = [
    ["tag:a", "tag:b", "22", "", "yes"],
    ["tag:a", "tag:b", "85", "tcp", "yes"],
    ["tag:a", "tag:b", "91", "", "no"],
    ["tag:b", "tag:a", "22", "", "no"],
    ["tag:a", "fd7a:115c:a1e0::5", "443", "", "yes"],
    ["tag:a", "fd7a:115c:a1e0::6", "443", "", "no"],
    ["alice@example.com", "10.9.9.9", "53", "udp", "yes"],
    ["alice@example.com", "10.9.9.9", "53", "tcp", "no"],
    ["group:dev", "10.9.9.9", "53", "udp", "yes"],
    ["group:dev", "db", "5432", "", "maybe"],
    ["group:none", "10.9.9.9", "53", "udp", "no"],
    ["alice@example.com", "db", "5432", "", "yes"],
    ["bob@example.com", "10.1.0.5", "5432", "", "no"],
    ["bob@example.com", "bob@example.com", "22", "", "yes"],
    ["bob@example.com", "alice@example.com", "22", "", "no"],
    ["bob@example.com", "tag:a", "22", "", "maybe"],
    ["tag:b", "tag:a", "443", "", "no"],
    ["tag:b", "10.2.3.4", "443", "", "yes"],
    ["tag:b", "10.3.3.4", "443", "", "yes"],
    ["tag:b", "10.4.0.7", "443", "", "maybe"],
    ["tag:b", "8.8.8.8", "*", "icmp", "yes"],
    ["tag:b", "8.8.8.8", "443", "tcp", "no"],
    ["tag:b", "db", "*", "icmp", "no"],
    ["carol@example.org", "svc:web", "443", "", "maybe"],
    ["alice@example.com", "svc:web", "443", "", "no"],
    ["box", "tag:b", "22", "", "maybe"],
  ];
  for (const [src, dst, ports, proto, answer] of cases) {
    it(`${src} to ${dst}:${ports} ${proto}: ${answer}`, () =>
      assert.equal(reachability({ src, dst, ports, proto }, policy), answer));
  }

  it("everybody reaches everybody when there is neither acls nor grants, nobody when grants is empty", () => {
    const ask = (text: string) =>
      reachability({ src: "tag:a", dst: "tag:b", ports: "22", proto: "" }, readPolicy(text));
    assert.deepEqual([ask("{}"), ask('{"grants": []}'), ask('{"acls": []}')], ["yes", "no", "no"]);
  });
});
