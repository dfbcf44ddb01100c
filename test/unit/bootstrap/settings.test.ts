import assert from "node:assert/strict";
import { renderHostFiles, renderUserData, type BootstrapSettings } from "../../../components/bootstrap";
import { allCombinations, canWork, oauth, tarball, usual, workloadIdentity } from "./settings-table";

const bad: [string, Partial<BootstrapSettings>, string][] = [
  ["an empty hostname", { hostname: "" }, "hostname must be a DNS label"],
  ["a hostname with a space", { hostname: "a b" }, "hostname must be a DNS label"],
  ["a hostname of 64 characters", { hostname: "a".repeat(64) }, "hostname must be a DNS label"],
  ["port 0", { port: 0 }, "port must be 1 to 65535, got 0"],
  ["port 65536", { port: 65536 }, "port must be 1 to 65535, got 65536"],
  ["half a port", { port: 1.5 }, "port must be 1 to 65535, got 1.5"],
  ["version latest", { tailscaleVersion: "latest" }, 'tailscaleVersion must be like 1.102.3, got "latest"'],
  ["a login server without scheme", { loginServer: "headscale" }, "loginServer must be an http(s) URL"],
  [
    "a mirror without scheme",
    { install: { kind: "packages", mirror: "x" } },
    "install.mirror must be an http(s)",
  ],
  [
    "a tarball from ftp",
    { install: { ...tarball, url: "ftp://x/y" } as never },
    "install.url must be an http(s)",
  ],
  [
    "a short checksum",
    { install: { ...tarball, sha256: "12" } as never },
    "install.sha256 must be 64 hex digits",
  ],
  [
    "an untagged OAuth client",
    { auth: oauth, tags: [] },
    "joins with an OAuth client secret only as a tagged device",
  ],
  [
    "an untagged workload identity",
    { auth: workloadIdentity, tags: [] },
    "workload identity only as a tagged device",
  ],
  ["a relative key file", { auth: { kind: "file", path: "key" } }, 'auth.path must be absolute, got "key"'],
  [
    "an SSM endpoint without scheme",
    { auth: { kind: "parameter", name: "x", oauthClient: false, endpoint: "ssm" } },
    "auth.endpoint must be an http(s) URL",
  ],
];

describe("bootstrap settings", () => {
  for (const [what, change, message] of bad) {
    it(`refuse ${what}`, () => {
      assert.throws(
        () => renderUserData({ ...usual, ...change }),
        (error: Error) => error.name === "BootstrapError" && error.message.includes(message),
      );
    });
  }

  it("name every bad value at once", () => {
    assert.throws(() => renderUserData({ ...usual, hostname: "A", port: -1, tailscaleVersion: "1" }), {
      message: [
        "invalid BootstrapSettings:",
        '  hostname must be a DNS label of at most 63 lower-case characters, got "A"',
        "  port must be 1 to 65535, got -1",
        '  tailscaleVersion must be like 1.102.3, got "1"',
      ].join("\n"),
    });
  });

  it("refuse a combination exactly when it cannot work", () => {
    const wrong = allCombinations().filter((settings) => {
      try {
        renderHostFiles(settings);
        return !canWork(settings);
      } catch {
        return canWork(settings);
      }
    });
    assert.deepEqual(wrong, []);
  });

  it("that make user data too large are refused with the size and the limit", () => {
    const staticEndpoints = Array.from({ length: 250 }, (_, i) => `203.0.113.${i}:40000`);
    assert.throws(() => renderUserData({ ...usual, staticEndpoints }), {
      name: "BootstrapError",
      message: /^user data is [12]\d{4} bytes, EC2 takes at most 16384/,
    });
  });
});
