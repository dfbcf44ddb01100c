import assert from "node:assert/strict";
import { addFragment, relayPolicyFragment } from "../../../components";
import { counted, parsePong, relayGrants } from "../../../lab/demo/readings";
import { letsIn } from "../../../lab/instances";
import type { FirewallRule } from "../../../lab/instances";

describe("What the demo reads from the lab", () => {
  it("is a path and a latency in each kind of pong", () => {
    const pongs = [
      "pong from desktop (100.64.0.2) via DERP(derp-1) in 14ms",
      "pong from desktop (100.64.0.2) via peer-relay(203.0.113.30:40000:vni:7) in 2ms",
      "pong from desktop (100.64.0.2) via peer-relay([2001:db8::1]:40000:vni:12) in 2ms",
      "pong from desktop (100.64.0.2) via 198.51.100.33:41641 in 1.5ms",
    ];
    assert.deepEqual(pongs.map(parsePong), [
      { via: "DERP", region: "derp-1", latency: "14ms", pong: pongs[0] },
      { via: "peer-relay", endpoint: "203.0.113.30:40000", vni: 7, latency: "2ms", pong: pongs[1] },
      { via: "peer-relay", endpoint: "[2001:db8::1]:40000", vni: 12, latency: "2ms", pong: pongs[2] },
      { via: "direct", address: "198.51.100.33:41641", latency: "1.5ms", pong: pongs[3] },
    ]);
  });

  it("is no path where there was no pong", () => {
    for (const line of ["", "no reply", 'ping "100.64.0.2" timed out']) {
      assert.throws(() => parsePong(line), { message: `this is no pong of tailscale ping: ${line}` });
    }
  });

  it("is a counter's sum over its labels, and 0 before it counts", () => {
    const metrics = `# TYPE tailscaled_forwarded_bytes_total counter
tailscaled_forwarded_bytes_total{transport_in="udp4",transport_out="udp4"} 434506
tailscaled_forwarded_bytes_total{transport_in="udp4",transport_out="udp6"} 94
tailscaled_forwarded_bytes_total_of_others 5
tailscaled_health_messages 3
`;
    const names = ["tailscaled_forwarded_bytes_total", "tailscaled_health_messages", "tailscaled_other"];
    assert.deepEqual(names.map((name) => counted(metrics, name)), [434600, 3, 0]); // prettier-ignore
  });

  it("is the grants that we put into the policy file, each once, and nobody else's", () => {
    const foreign = `{"src": ["group:x"], "dst": ["tag:other"], "app": {"tailscale.com/cap/relay": []}}`;
    const start = `{\n  "grants": [\n    // somebody's own\n    ${foreign},\n  ],\n}\n`;
    const policy = ["p/s/relay-1", "p/s/relay-2"].reduce((text, owner) => {
      const args = { owner, clients: ["autogroup:member"], relay: ["tag:relay"], ipAccess: ["*"] };
      return addFragment(text, relayPolicyFragment(args));
    }, start);
    assert.deepEqual(relayGrants(policy), [
      '{"src": ["autogroup:member"], "dst": ["tag:relay"], "app": {"tailscale.com/cap/relay": []}}',
    ]);
    assert.deepEqual(relayGrants(start), []);
  });

  it("is whether a security group lets UDP to a port in", () => {
    const rule: FirewallRule = {
      direction: "in",
      protocol: "udp",
      fromPort: 40000,
      toPort: 40000,
      cidrs: ["0.0.0.0/0"],
    };
    const verdicts = [
      [rule],
      [{ ...rule, protocol: "17", fromPort: 1, toPort: 65535 }],
      [{ ...rule, protocol: "-1", fromPort: undefined, toPort: undefined }],
      [],
      [{ ...rule, direction: "out" as const }],
      [{ ...rule, protocol: "tcp" }],
      [{ ...rule, fromPort: 40001, toPort: 41000 }],
      [{ ...rule, cidrs: [] }],
    ].map((rules) => letsIn(rules, 40000));
    assert.deepEqual(verdicts, [true, true, true, false, false, false, false, false]);
  });
});
