import assert from "node:assert/strict";
import { alternating } from "../../../lab/bench/measure-tunings";
import type { Way } from "../../../lab/bench/metrics";
import { cameBy } from "../../../lab/bench/way";

const PONGS = {
  derp: "pong from client-b (100.64.0.1) via DERP(derp-2) in 1ms",
  direct: "pong from client-c (100.64.0.2) via 198.51.100.33:56023 in 0s",
  "peer-relay": "pong from client-b (100.64.0.1) via peer-relay(203.0.113.30:40000:vni:1) in 1ms",
};

describe("An answer of tailscale ping", () => {
  it("came one way only", () => {
    const ways = Object.keys(PONGS) as Way[];
    const seen = Object.values(PONGS).map((pong) => ways.filter((way) => cameBy(pong, way)));
    assert.deepEqual(seen, [["derp"], ["direct"], ["peer-relay"]]);
  });

  it("came over this relay, not over another one", () => {
    const relays = [
      { address: "203.0.113.30", port: 40000 },
      { address: "203.0.113.3", port: 40000 },
      { address: "203.0.113.30", port: 4000 },
    ];
    assert.deepEqual(
      relays.map((relay) => cameBy(PONGS["peer-relay"], "peer-relay", relay)),
      [true, false, false],
    );
  });

  it("is none when there was no answer", () => {
    assert.equal(cameBy('ping "100.64.0.1" timed out via DERP(x) in 1ms', "derp"), false);
  });
});

describe("The order in which a tuning is on and off", () => {
  it("has each pair side by side, and the other way round the next time", () => {
    assert.deepEqual(alternating(3), [false, true, true, false, false, true]);
  });
});
