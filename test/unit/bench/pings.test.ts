import assert from "node:assert/strict";
import { latency, longestSilence, parsePings } from "../../../lab/bench/pings";

const printed = `PING 100.64.0.1 (100.64.0.1) 56(84) bytes of data.
[1795605100.100000] 64 bytes from 100.64.0.1: icmp_seq=1 ttl=64 time=87.8 ms
[1795605100.150000] 64 bytes from 100.64.0.1: icmp_seq=2 ttl=64 time=0.335 ms
[1795605100.170000] From 192.168.31.1 icmp_seq=3 Destination Host Unreachable
[1795605106.650000] 64 bytes from 100.64.0.1: icmp_seq=131 ttl=64 time=1 ms

--- 100.64.0.1 ping statistics ---
4 packets transmitted, 3 received, 25% packet loss, time 1693ms
rtt min/avg/max/mdev = 0.335/4.623/87.832/13.433 ms, pipe 5
`;

describe("What ping prints", () => {
  it("tells when each answer came, and after how long", () => {
    assert.deepEqual(parsePings(printed), [
      { at: 1795605100100, ms: 87.8 },
      { at: 1795605100150, ms: 0.335 },
      { at: 1795605106650, ms: 1 },
    ]);
  });

  it("has the median as its latency, which one late answer does not move", () => {
    assert.equal(latency(printed), 1);
  });

  it("is an error without any answer, with what it says", () => {
    assert.throws(
      () => latency("ping: connect: Network is unreachable"),
      /no answer.*Network is unreachable/,
    );
  });
});

describe("The longest silence", () => {
  it("is the longest time between two events", () => {
    assert.equal(longestSilence(parsePings(printed).map(({ at }) => at)), 6500);
    assert.equal(longestSilence([0, 30, 40, 60]), 30);
  });

  it("is not told of what is no stream", () => {
    assert.throws(() => longestSilence([5]), /a stream of 1 events/);
  });
});
