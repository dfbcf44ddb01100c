import assert from "node:assert/strict";
import { Device, findReady, isOnline } from "../../../components/tailnet/devices";

const now = "2026-11-23T12:00:00Z";
const expected = { hostname: "relay-203-0-113-30", tags: ["tag:relay"], since: "2026-11-23T11:50:00Z" };
const ready: Device = {
  nodeId: "n1",
  hostname: "relay-203-0-113-30",
  tags: ["tag:relay"],
  created: "2026-11-23T11:55:00Z",
  authorized: true,
  connectedToControl: true,
};

const reason = (...devices: Device[]) => {
  const found = findReady(devices, expected, now);
  return "reason" in found ? found.reason : `ready: ${found.device.nodeId}`;
};

describe("A relay's device", () => {
  it("is ready when it joined in this life, authorized, with its tags, and is online", () => {
    assert.equal(reason(ready), "ready: n1");
  });

  it("is the one that joined last, when the host had to join again", () => {
    const later = { ...ready, nodeId: "n2", created: "2026-11-23T11:58:00Z" };
    assert.equal(reason(ready, later), "ready: n2");
  });

  const why: [string, Device[], string][] = [
    ["nothing joined", [], "no device named relay-203-0-113-30 has joined the tailnet"],
    [
      "only an earlier life of the host joined",
      [{ ...ready, created: "2026-11-23T11:40:00Z" }],
      "no device named relay-203-0-113-30 has joined the tailnet",
    ],
    [
      "it lacks its tag",
      [{ ...ready, tags: ["tag:other"] }],
      "device relay-203-0-113-30 joined with tag:other, expected tag:relay",
    ],
    [
      "it has no tags at all",
      [{ ...ready, tags: undefined }],
      "device relay-203-0-113-30 joined with no tags, expected tag:relay",
    ],
    [
      "it waits for approval",
      [{ ...ready, authorized: false }],
      "device relay-203-0-113-30 waits for approval in the admin console (device approval is on)",
    ],
    [
      "it is offline",
      [{ ...ready, connectedToControl: false }],
      "device relay-203-0-113-30 joined but is offline",
    ],
  ];
  for (const [what, devices, text] of why) {
    it(`is not ready when ${what}, and says so`, () => assert.equal(reason(...devices), text));
  }

  it("counts as online by its last sign of life where the server does not say", () => {
    const seen = (lastSeen: string) => isOnline({ ...ready, connectedToControl: undefined, lastSeen }, now);
    assert.deepEqual([seen("2026-11-23T11:59:00Z"), seen("2026-11-23T11:50:00Z")], [true, false]);
  });
});
