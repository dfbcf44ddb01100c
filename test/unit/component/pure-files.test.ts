import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { REPO } from "../../../lab";

/** The files that define resources or look things up; a program that only wants the pure parts loads none of them. */
const WITH_SDK = [
  "aws/default-vpc.ts",
  "aws/firewall.ts",
  "aws/image.ts",
  "aws/instance-role.ts",
  "aws/join-secret.ts",
  "aws/kept-value.ts",
  "aws/look-up.ts",
  "aws/network.ts",
  "aws/vm.ts",
  "aws/zones.ts",
  "peer-relay.ts",
  "policy/resource.ts",
  "relay-user-data.ts",
  "tailnet/enrollment.ts",
  "tailnet/relay-device.ts",
];

describe("The component's files", () => {
  it("that hold pure functions import no SDK, types apart", () => {
    const files = readdirSync(join(REPO, "components"), { recursive: true, encoding: "utf8" });
    const importing = files.filter(
      (file) =>
        file.endsWith(".ts") &&
        /^(import|export) (?!type\b)[^;]*"@pulumi\//m.test(
          readFileSync(join(REPO, "components", file), "utf8"),
        ),
    );
    assert.deepEqual(importing.sort(), WITH_SDK);
  });
});
