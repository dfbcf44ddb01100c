import assert from "node:assert/strict";
import { judge, pathOf, type Observation } from "../../../scripts/lib/verdict";

const DERP = "pong from desktop (100.64.0.3) via DERP(fra) in 82ms";
const RELAY = "pong from desktop (100.64.0.3) via peer-relay(203.0.113.30:40000:vni:1) in 12ms";
const DIRECT = "pong from desktop (100.64.0.3) via 198.51.100.33:41641 in 9ms";

/** All is in order, and yet every answer came through DERP. */
const stuck: Observation = {
  backendState: "Running",
  version: "1.102.3",
  target: { name: "desktop", online: true },
  udp: true,
  relays: [{ ip: "100.64.0.9", name: "relay-203-0-113-30", online: true }],
  pongs: [DERP, DERP],
  seconds: 40,
};

describe("The verdict of scripts/verify", () => {
  it("tells the paths apart by tailscale's own words", () => {
    const answers = [DERP, RELAY, DIRECT, "timed out", "no reply", ""];
    assert.deepEqual(answers.map(pathOf), ["derp", "relay", "direct", undefined, undefined, undefined]);
  });

  const cases: [string, Partial<Observation>, string][] = [
    ["the relay carries it", { pongs: [DERP, RELAY] }, "ok peer relay"],
    [
      "there is a direct path, whatever else",
      { pongs: [DIRECT], relays: [] },
      "ok direct, which is better than any relay",
    ],
    ["tailscale is not up", { backendState: "NeedsLogin", pongs: [] }, "no this device"],
    ["there is no such device", { target: undefined, pongs: [] }, "no target"],
    ["the device is off", { target: { name: "desktop", online: false }, pongs: ["timed out"] }, "no target"],
    ["tailscale is too old here", { version: "1.84.3" }, "no version"],
    ["tailscale here gets stuck on DERP", { version: "1.98.4" }, "no version"],
    ["no grant names this device", { relays: [] }, "no grant"],
    ["the relay is off", { relays: [{ ip: "100.64.0.9", name: "relay", online: false }] }, "no relay"],
    ["no UDP gets out here", { udp: false }, "no network"],
    ["the device does not answer", { pongs: ["timed out", "timed out"] }, "no target"],
    ["all is in order but the port", {}, "no firewall"],
  ];
  for (const [what, change, want] of cases) {
    it(`when ${what}: ${want}`, () => {
      const { ok, text } = judge("desktop", { ...stuck, ...change });
      assert.equal(`${ok ? "ok" : "no"} ${text.split(":")[0]}`, want);
    });
  }

  it("for a closed port names the relay, its security group, and how long it waited", () => {
    const { text } = judge("desktop", stuck);
    assert.match(text, /relay-203-0-113-30 \(100\.64\.0\.9\).* in 40 s .*security group/);
  });
});
