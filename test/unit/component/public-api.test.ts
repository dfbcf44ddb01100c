import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as api from "../../../components";
import { PACKAGE_VERSION } from "../../../components/package-version";
import { REPO } from "../../../lab";
import packageJson from "../../../package.json";

const readme = readFileSync(join(REPO, "README.md"), "utf8");

describe("The package", () => {
  it("states its own version", () => assert.equal(PACKAGE_VERSION, packageJson.version));

  it("says in README why it has each of its runtime dependencies, and no other", () => {
    const [, table = ""] = /^Runtime dependencies, .*\n\n((?:\|.*\n)+)/m.exec(readme) ?? [];
    const named = [...table.matchAll(/^\| `([^`]+)` +\| \S/gm)].map(([, name]) => name);
    assert.deepEqual(named.sort(), Object.keys(packageJson.dependencies).sort());
  });

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
