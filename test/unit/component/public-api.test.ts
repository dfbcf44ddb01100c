import assert from "node:assert/strict";
import * as api from "../../../components";

describe("The package", () => {
  it("exports exactly its public API", () => {
    assert.deepEqual(Object.keys(api).sort(), [
      "InvalidArgsError",
      "PeerRelay",
      "PolicyError",
      "addFragment",
      "checkPeerRelayArgs",
      "connectTailnet",
      "fragmentStatus",
      "policyFileOf",
      "readCredentials",
      "relayOwners",
      "relayPolicyFragment",
      "relayZones",
      "removeFragment",
      "renderFragment",
      "renderHostFiles",
      "renderUserData",
    ]);
  });
});
