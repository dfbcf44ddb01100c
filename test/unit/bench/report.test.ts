import assert from "node:assert/strict";
import type { TuningSample } from "../../../lab/bench/measure-tunings";
import { conclusions, report } from "../../../lab/bench/report";
import type { Results } from "../../../lab/bench/results";

function samples(tuning: string, off: number[], on: number[], control = false): TuningSample[] {
  const half = (isOn: boolean) => (mbits: number) => ({
    ...{ tuning, control, links: "plain" as const, on: isOn, mbits, relayCpu: 100 / mbits },
  });
  return [...off.map(half(false)), ...on.map(half(true))];
}

const control = samples("batches", [100, 110, 105], [900, 1000, 950], true);

describe("What the benchmark concludes about a tuning", () => {
  it("follows from its repeats", () => {
    const figures = [
      ...control,
      ...samples("fast", [900, 1000, 950], [1300, 1400, 1350]),
      ...samples("slow", [900, 1000, 950], [500, 550, 600]),
      ...samples("idle", [900, 1000, 950], [903, 1111, 890]),
    ];
    assert.deepEqual(conclusions(figures), [
      "fast: pays; a candidate for the bootstrap.",
      "slow: costs; the bootstrap leaves it out.",
      "idle: shows no gain; the bootstrap leaves it out.",
    ]);
  });

  it("is nothing when the control makes no difference either", () => {
    const blind = samples("batches", [900, 1000, 950], [900, 1000, 950], true);
    const figures = [...blind, ...samples("fast", [900, 1000, 950], [1300, 1400, 1350])];
    assert.deepEqual(conclusions(figures), ["fast: not decided, as batches made no difference either."]);
  });

  it("is nothing after one repeat", () => {
    assert.deepEqual(conclusions([...control, ...samples("fast", [100], [900])]), [
      "fast: too few repeats to tell.",
    ]);
  });

  it("is that it costs, when it pays with some links and costs with others", () => {
    const wire = samples("mixed", [150, 160, 140], [100, 110, 105]).map((sample) => ({
      ...sample,
      links: "wire-like" as const,
    }));
    assert.deepEqual(
      conclusions([...control, ...samples("mixed", [900, 1000, 950], [1300, 1400, 1350]), ...wire]),
      ["mixed: costs; the bootstrap leaves it out."],
    );
  });

  it("is that it shows no gain, when the relay was as fast without it at another time of the run", () => {
    const figures = [...control, ...samples("lucky", [500, 510, 505], [700, 710, 705])];
    assert.deepEqual(conclusions(figures), ["lucky: shows no gain; the bootstrap leaves it out."]);
  });
});

describe("The benchmark's report", () => {
  const machine = {
    ...{ started: "2026-11-25T12:00:00Z", cores: 2, kernel: "6.18", architecture: "x64", loadBefore: 0 },
    ...{ congestionControl: "cubic", relayBuffer: 14680064, bufferLimit: 4194304 },
  };
  const nothing: Results = { machine, repeats: 1, paths: [], starts: [], fallBacks: [] };
  const path = (tcpMbits: number, latencyMs: number) => ({
    ...{ tcpMbits, udpMbits: tcpMbits / 10, udpLostPercent: 1, latencyMs },
  });

  it("leaves out what was not measured", () => {
    assert.deepEqual(report(nothing), []);
    assert.deepEqual(report({ ...nothing, fallBacks: [{ tcp: 6.7, ping: 6.25 }] }), [
      "",
      "the relay's machine dies: silence until traffic flows over DERP     s",
      "---------------------------------------------------------------  ----",
      "TCP stream of 20 Mbit/s                                          6.70",
      "ping, 20 a second                                                6.25",
    ]);
  });

  it("sets every path in relation to the peer relay", () => {
    const lines = report({
      ...nothing,
      paths: [
        { path: "kernel forward", figures: path(9000, 0.1) },
        { path: "direct", figures: path(1600, 0.4) },
        { path: "peer relay", figures: { ...path(1000, 0.8), relayCpu: 0.3 } },
        { path: "DERP", figures: path(100, 1) },
      ],
    });
    const cells = lines.slice(3).map((line) => line.split(/ {2,}/));
    assert.deepEqual(cells, [
      ["kernel forward (the limit)", "9000", "9.00x", "900", "9.00x", "1.00", "0.10", "0.13x", "-"],
      ["direct", "1600", "1.60x", "160", "1.60x", "1.00", "0.40", "0.50x", "-"],
      ["peer relay", "1000", "1.00x", "100", "1.00x", "1.00", "0.80", "1.00x", "0.30"],
      ["DERP", "100", "0.10x", "10.0", "0.10x", "1.00", "1.00", "1.25x", "-"],
    ]);
  });

  it("says what each tuning did, and what the relay's buffers were", () => {
    const lines = report({ ...nothing, tunings: { samples: control, leftOut: ["x: left out: y"] } });
    assert.equal(lines[4], "");
    assert.match(lines[3]!, /^batches, plain +105 \(100-110\) +950 \(900-1000\) +9\.05x +pays .* pays$/);
    assert.deepEqual(lines.slice(5), [
      "The relay as it is, over all of this table, in Mbit/s: plain 950 (900-1000).",
      "x: left out: y",
      "The relay's sockets had buffers of 7.0 MiB, with rmem_max at 4.0 MiB.",
    ]);
  });
});
