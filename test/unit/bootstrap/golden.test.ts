import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderUserData, type BootstrapSettings } from "../../../components/bootstrap";
import { oauth, tarball, usual, workloadIdentity } from "./settings-table";

const cases: [string, BootstrapSettings][] = [
  ["debian-tagged", usual],
  [
    "oauth-ssm-ssh",
    { ...usual, auth: oauth, ssmAgent: true, tailscaleSsh: true, staticEndpoints: ["[2001:db8::1]:40000"] },
  ],
  ["workload-identity-tarball", { ...usual, auth: workloadIdentity, install: tarball, staticEndpoints: [] }],
];

/** Packed files by their checksum: any other byte in user data means another VM, so the packing is pinned as well. */
function withoutPacked(userData: string): string {
  return userData.replace(
    /content: ([A-Za-z0-9+/=]{200,})/g,
    (_, packed: string) =>
      `content: <${packed.length} bytes, sha256 ${createHash("sha256").update(packed).digest("hex")}>`,
  );
}

describe("user data", () => {
  for (const [name, settings] of cases) {
    it(`is as in golden/${name}.yaml (UPDATE_GOLDEN=1 rewrites it; existing relays are then replaced)`, () => {
      const path = join(__dirname, "golden", `${name}.yaml`);
      const text = withoutPacked(renderUserData(settings));
      if (process.env.UPDATE_GOLDEN === "1") writeFileSync(path, text);
      assert.equal(text, readFileSync(path, "utf8"));
    });
  }
});
