import assert from "node:assert/strict";
import { assertNoWay, assertWay, parseMetrics, sentBytes } from "../../../lab/bench/metrics";

const metrics = (derp: number, direct: number, relay: number) => `# TYPE tailscaled_health_messages gauge
tailscaled_health_messages{type="warning"} 2
# TYPE tailscaled_outbound_bytes_total counter
# HELP tailscaled_outbound_bytes_total Counts the number of bytes sent to other peers
tailscaled_outbound_bytes_total{path="derp"} ${derp}
tailscaled_outbound_bytes_total{path="direct_ipv4"} ${direct}
tailscaled_outbound_bytes_total{path="direct_ipv6"} 1
tailscaled_outbound_bytes_total{path="peer_relay_ipv4"} ${relay}
tailscaled_outbound_bytes_total{path="peer_relay_ipv6"} 0
tailscaled_outbound_dropped_packets_total{reason="error"} 7
tailscaled_primary_routes 0
`;

describe("A client's metrics", () => {
  it("are read with their labels", () => {
    const text = 'a_total{in="udp4",out="udp6"} 3750\n# HELP b what it is\nb 1.5e+06\n';
    assert.deepEqual(parseMetrics(text), [
      { name: "a_total", labels: { in: "udp4", out: "udp6" }, value: 3750 },
      { name: "b", labels: {}, value: 1.5e6 },
    ]);
  });

  it("tell how much went which way", () => {
    assert.deepEqual(sentBytes(metrics(10, 20, 30)), { derp: 10, direct: 21, "peer-relay": 30 });
  });

  it("prove that what was measured went the way that it is called after", () => {
    const before = metrics(100, 0, 100);
    assertWay("peer-relay", before, metrics(104, 0, 1100), 1000);
    assert.throws(
      () => assertWay("peer-relay", before, metrics(600, 0, 1100), 1000),
      /measured as peer-relay did not go that way: 1000 bytes arrived; sent: 0 bytes by direct, 1000 bytes by peer-relay, 500 bytes by derp/,
    );
  });

  it("prove nothing when less was sent than arrived", () => {
    assert.throws(() => assertWay("derp", metrics(0, 0, 0), metrics(500, 0, 0), 1000), /did not go that way/);
  });

  it("prove that what was measured without tailscale did not go over it", () => {
    assertNoWay(metrics(5, 5, 5), metrics(15, 15, 25), 1000);
    assert.throws(
      () => assertNoWay(metrics(0, 0, 0), metrics(20, 20, 20), 1000),
      /without tailscale went over it: 1000 bytes arrived, 60 sent/,
    );
  });
});
