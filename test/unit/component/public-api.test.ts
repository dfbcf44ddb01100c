import assert from "node:assert/strict";
import * as api from "../../../components";
import { PACKAGE_VERSION } from "../../../components/package-version";
import packageJson from "../../../package.json";

describe("The package", () => {
  it("states its own version", () => assert.equal(PACKAGE_VERSION, packageJson.version));

  it("exports exactly its public API", () => {
    assert.deepEqual(Object.keys(api).sort(), [
      "InvalidArgsError",
      "PeerRelay",
      "PolicyError",
      "addFragment",
      "checkPeerRelayArgs",
      "checkRelaySubnet",
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
      "zonesOffering",
    ]);
  });
});
