import assert from "node:assert/strict";
import { parse } from "jsonc-parser";
import { Lab, makeStack, outputsOf, setConfig, Stack, startLab } from "../../lab";
import { addFragment, type PolicyFragment } from "../../components";
import { destroy, stateOf, up } from "./support";

const POLICY = `{
  "tagOwners": {"tag:srv": ["autogroup:member"]},
  "acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}],
}
`;

/** The article's two ways to grant the relay, as a policy file that follows it by hand would have them. */
describe("The article's methods on the real engine", function () {
  this.timeout(180_000);
  let lab: Lab;
  const config = (more: Record<string, unknown>) => ({
    "aws:region": "us-east-1",
    "peer-relay:relays": 1,
    "peer-relay:ssmEndpoint": lab.aws.endpoint,
    "peer-relay:readyTimeoutSeconds": 60,
    ...more,
  });
  const grants = () => (parse(lab.tailscale.policy.text) as { grants?: unknown }).grants;

  beforeEach(async () => {
    lab = await startLab({ policy: POLICY });
  });
  afterEach(() => lab?.close());

  const firstIp = async (stack: Stack) => {
    const [relay] = (await outputsOf(lab.engine, stack)).relays as { tailscaleIps: string[] }[];
    return relay!.tailscaleIps[0];
  };

  it("method 1: an untagged relay, granted by its Tailscale IP, its key without expiry", async () => {
    const stack = await makeStack(
      lab.engine,
      "method-1",
      config({
        "peer-relay:tags": [],
        "peer-relay:clients": ["*"],
        "peer-relay:ipAccess": ["*"],
        "peer-relay:ipAccessTo": ["*"],
      }),
    );
    await up(lab, stack);
    assert.deepEqual(grants(), [
      { src: ["*"], dst: [await firstIp(stack)], app: { "tailscale.com/cap/relay": [] } },
      { src: ["*"], dst: ["*"], ip: ["*"] },
    ]);
    assert.deepEqual(
      (await lab.tailscale.devices()).map((device) => [device.tags ?? [], device.keyExpiryDisabled]),
      [[[], true]],
    );
    assert.equal(stateOf(lab, stack).has("relay-1-tag-owners"), false);
    await destroy(lab, stack);
    assert.equal(lab.tailscale.policy.text, POLICY);
  });

  it("method 2: a tagged relay, its tag owned, granted by its tag, with the ip rule", async () => {
    const stack = await makeStack(
      lab.engine,
      "method-2",
      config({
        "peer-relay:tags": ["tag:relay"],
        "peer-relay:tagOwners": ["autogroup:member"],
        "peer-relay:clients": ["tag:srv"],
        "peer-relay:ipAccess": ["*"],
      }),
    );
    await up(lab, stack);
    assert.deepEqual(grants(), [
      { src: ["tag:srv"], dst: ["tag:relay"], app: { "tailscale.com/cap/relay": [] } },
      { src: ["tag:srv"], dst: ["tag:relay"], ip: ["*"] },
    ]);
    assert.deepEqual((parse(lab.tailscale.policy.text) as { tagOwners: unknown }).tagOwners, {
      "tag:relay": ["autogroup:member"],
      "tag:srv": ["autogroup:member"],
    });
    await destroy(lab, stack);
    assert.equal(lab.tailscale.policy.text, POLICY);
  });

  it("emit: writes nothing, hands over what to write, and may become merge", async () => {
    await lab.tailscale.humanEdit((text) =>
      text.replace('"tag:srv"', '"tag:relay": ["autogroup:admin"], "tag:srv"'),
    );
    const before = lab.tailscale.policy.text;
    const stack = await makeStack(
      lab.engine,
      "emit",
      config({
        "peer-relay:policy": "emit",
        "peer-relay:tags": ["tag:relay"],
        "peer-relay:clients": ["tag:srv"],
      }),
    );
    await up(lab, stack);
    const [fragment] = (await outputsOf(lab.engine, stack)).policyFragments as PolicyFragment[];
    assert.deepEqual(fragment, {
      owner: "peer-relay/emit/relay-1",
      grants: [{ src: ["tag:srv"], dst: ["tag:relay"], app: { "tailscale.com/cap/relay": [] } }],
      tagOwners: { "tag:relay": ["autogroup:admin"] },
    });
    assert.deepEqual(
      lab.tailscale.requests.filter((request) => /\/acl/.test(request.path) && request.method === "POST"),
      [],
    );
    // What was merged in from the command line is the stack's own when it goes to merge.
    await lab.tailscale.humanEdit((text) => addFragment(text, fragment!));
    setConfig(stack, { "peer-relay:policy": undefined });
    await up(lab, stack);
    assert.deepEqual(grants(), fragment!.grants);
    await destroy(lab, stack);
    assert.equal(lab.tailscale.policy.text, before);
  });
});
