import assert from "node:assert/strict";
import { parseTcp, parseUdp, receivedAt } from "../../../lab/bench/iperf";

// Shortened from iperf 3.12.
const tcp = JSON.stringify({
  start: { version: "iperf 3.12" },
  intervals: [
    { sum: { start: 0, end: 0.1, seconds: 0.1, bytes: 250000 } },
    { sum: { start: 0.1, end: 0.2, seconds: 0.1, bytes: 0 } },
    { sum: { start: 0.2, end: 0.3, seconds: 0.1, bytes: 1250 } },
  ],
  end: {
    sum_sent: { seconds: 1.001502, bytes: 2246574080, bits_per_second: 17945638291.28649, retransmits: 2 },
    sum_received: { seconds: 2, bytes: 250000000, bits_per_second: 1e9 },
  },
});
const udp = (packets: number, lost: number) =>
  JSON.stringify({
    end: { sum: { seconds: 2, bytes: 6244800, packets, lost_packets: lost, lost_percent: 47.5 } },
  });
const failed = JSON.stringify({
  start: {},
  intervals: [],
  end: {},
  error: "unable to connect to server: Connection refused",
});

describe("What iperf3 prints", () => {
  it("tells what arrived over TCP, not what was sent", () => {
    assert.deepEqual(parseTcp(tcp), { bytes: 250000000, mbits: 1000 });
  });

  it("tells what arrived over UDP without the datagrams that were lost", () => {
    assert.deepEqual(parseUdp(udp(5000, 1000)), {
      bytes: 4000 * 1200,
      mbits: (4000 * 1200 * 8) / 2 / 1e6,
      lostPercent: 20,
    });
  });

  it("tells when something was received", () => {
    assert.deepEqual(receivedAt(tcp), [100, 300]);
  });

  it("is an error in iperf3's own words when it failed", () => {
    for (const read of [parseTcp, parseUdp, receivedAt]) {
      assert.throws(() => read(failed), /^Error: iperf3: unable to connect to server: Connection refused$/);
    }
  });

  it("is an error when nothing arrived, or when it is no report", () => {
    assert.throws(
      () => parseTcp('{"end": {"sum_received": {"bytes": 0, "seconds": 1}}}'),
      /nothing over TCP/,
    );
    assert.throws(() => parseUdp(udp(10, 10)), /nothing over UDP/);
    assert.throws(() => parseTcp("iperf3: command not found"), /no JSON: iperf3: command not found/);
  });
});
