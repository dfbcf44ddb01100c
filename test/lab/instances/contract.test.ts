import assert from "node:assert/strict";
import { renderUserData, type BootstrapSettings } from "../../../components/bootstrap";
import { relaySettings } from "../../../lab/instances/user-data";

const settings: BootstrapSettings = {
  hostname: "prod-relay-203-0-113-30",
  port: 40000,
  staticEndpoints: ["203.0.113.30:40000", "[2001:db8::1]:40000"],
  tags: ["tag:relay", "tag:prod"],
  tailscaleVersion: "1.102.3",
  install: { kind: "packages" },
  auth: { kind: "parameter", name: "/peer-relay/relay", oauthClient: false },
  tailscaleSsh: false,
  ssmAgent: false,
};

const same = {
  hostname: settings.hostname,
  port: settings.port,
  staticEndpoints: settings.staticEndpoints,
  tags: settings.tags,
  tailscaleVersion: settings.tailscaleVersion,
};

describe("a simulated instance: the bootstrap's user data", () => {
  const cases: [what: string, change: Partial<BootstrapSettings>, expected: object][] = [
    ["an auth key in a parameter", {}, { auth: settings.auth }],
    [
      "an OAuth secret in a parameter",
      { auth: { kind: "parameter", name: "/x", oauthClient: true } },
      { auth: { kind: "parameter", name: "/x", oauthClient: true } },
    ],
    [
      "a workload identity",
      { auth: { kind: "workloadIdentity", clientId: "kEXAMPLE", audience: "api.tailscale.com/kEXAMPLE" } },
      { auth: { kind: "workload-identity", clientId: "kEXAMPLE", audience: "api.tailscale.com/kEXAMPLE" } },
    ],
    ["no tags", { tags: [] }, { tags: [], auth: settings.auth }],
    [
      "a control server of one's own",
      { loginServer: "https://headscale.example.com" },
      { loginServer: "https://headscale.example.com", auth: settings.auth },
    ],
  ];
  for (const [what, change, expected] of cases) {
    it(`is understood with ${what}`, () => {
      const userData = renderUserData({ ...settings, ...change });
      assert.deepEqual(relaySettings(Buffer.from(userData).toString("base64")), { ...same, ...expected });
    });
  }
});
