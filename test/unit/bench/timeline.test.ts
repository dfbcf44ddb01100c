import assert from "node:assert/strict";
import { splitTime, type Moments } from "../../../lab/bench/timeline";

const line = (seconds: number, message: string) =>
  JSON.stringify({ MESSAGE: message, __REALTIME_TIMESTAMP: String(seconds * 1e6), _BOOT_ID: "82f8" });

const journal = [
  line(115, "peer-relay: install: tailscale 1.102.3 from http://203.0.113.10/tailscale_1.102.3_amd64.tgz"),
  line(117.5, "peer-relay: install: tailscale 1.102.3 installed"),
  line(118, "peer-relay: firewall: none closes UDP 40000"),
  line(119, "peer-relay: join: tailscale up as prod-eu-central-1-relay-1-203-0-113-30"),
  line(120, "peer-relay: relay: tailscale set --relay-server-port=40000"),
  line(121, "peer-relay: ready: prod-eu-central-1-relay-1-203-0-113-30 relays on UDP 40000"),
];
const moments = (change: Partial<Moments> = {}): Moments => ({
  up: 100_000,
  machine: 110_000,
  journal: journal.join("\n"),
  firstPing: 124_000,
  returned: 123_000,
  ...change,
});

describe("The time from up to the first packet", () => {
  it("is split where the relay's journal has its steps, and the parts add up", () => {
    const split = splitTime(moments());
    assert.deepEqual(split, {
      ...{ api: 10, boot: 5, install: 2.5, join: 2.5, firstPing: 4 },
      ...{ total: 24, upReturned: 23 },
    });
    const { api, boot, install, join, firstPing, total } = split;
    assert.equal(api + boot + install + join + firstPing, total);
  });

  it("is not split without a step, with what the bootstrap printed", () => {
    const short = journal.slice(0, 4).join("\n");
    assert.throws(
      () => splitTime(moments({ journal: short })),
      /no line like .*relay: tailscale set[^]*firewall: none/,
    );
  });

  it("is not split when a packet came back before there was a relay", () => {
    assert.throws(() => splitTime(moments({ firstPing: 119_000 })), /first ping came 1000 ms before listens/);
  });
});
