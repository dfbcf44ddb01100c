import assert from "node:assert/strict";
import { connectTailnet, type TailnetClient } from "../../../components/tailnet/client";
import { deleteDevice, devicesNamed, disableKeyExpiry } from "../../../components/tailnet/devices";
import { refuseExternallyManaged } from "../../../components/tailnet/externally-managed";
import { policyFileOf } from "../../../components/tailnet/policy-file";
import { startTailscale, TailscaleLab } from "../../../lab/tailscale";

const POLICY = '{"tagOwners": {"tag:relay": []}, "grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}]}';

/** Everything that the package asks of the API, and the scopes with which it is allowed, as README's table says. */
const OPERATIONS: Record<string, [(client: TailnetClient) => Promise<unknown>, string[]]> = {
  "read the policy file": [(c) => policyFileOf(c).read(), ["policy_file", "policy_file:read"]],
  "check a candidate": [(c) => policyFileOf(c).validate(POLICY), ["policy_file", "policy_file:read"]],
  "write the policy file": [(c) => policyFileOf(c).write(POLICY, "ts-default"), ["policy_file"]],
  "mint an auth key": [(c) => mintKey(c), ["auth_keys"]],
  "see the relay's device": [(c) => devicesNamed(c, ["relay"]), ["devices:core", "devices:core:read"]],
  "delete the relay's device": [(c) => deleteDevice(c, "nNone"), ["devices:core"]],
  "turn its key expiry off": [(c) => disableKeyExpiry(c, "nNone"), ["devices:core"]],
  "see whether the file is managed externally": [
    (c) => c.send({ method: "GET", path: `${c.tailnet}/settings` }),
    ["feature_settings", "feature_settings:read"],
  ],
};

const mintKey = (client: TailnetClient) => {
  const create = { reusable: false, ephemeral: false, preauthorized: true, tags: ["tag:relay"] };
  const body = JSON.stringify({ capabilities: { devices: { create } } });
  return client.send({ method: "POST", path: `${client.tailnet}/keys`, body });
};

describe("The least that an OAuth client needs", () => {
  const all = [...new Set(Object.values(OPERATIONS).flatMap(([, scopes]) => scopes))].sort();
  let lab: TailscaleLab;
  const withScope = (scope: string) => {
    const { clientId, clientSecret } = lab.addOAuthClient({ scopes: [scope], tags: ["tag:relay"] });
    const credentials = {
      baseUrl: lab.url,
      tailnet: "-",
      oauthClientId: clientId,
      oauthClientSecret: clientSecret,
    };
    return connectTailnet(credentials);
  };

  before(async () => {
    lab = await startTailscale({ policy: POLICY });
  });
  after(() => lab?.close());

  for (const [name, [run, scopes]] of Object.entries(OPERATIONS)) {
    it(`to ${name}: ${scopes.join(" or ")}, and no other scope does`, async () => {
      const allowed: string[] = [];
      for (const scope of all) {
        const refused = await run(withScope(scope)).then(
          () => false,
          (error: { status?: number }) => error.status === 403,
        );
        if (!refused) allowed.push(scope);
      }
      assert.deepEqual(allowed, [...scopes].sort());
    });
  }

  it("without feature_settings:read goes on, and can't see whether the file is managed externally", async () => {
    lab.settings.aclsExternallyManagedOn = true;
    await refuseExternallyManaged(withScope("policy_file"));
    await assert.rejects(refuseExternallyManaged(withScope("feature_settings:read")), {
      code: "externally-managed",
    });
  });
});
