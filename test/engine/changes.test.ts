import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { DescribeInstancesCommand, TerminateInstancesCommand } from "@aws-sdk/client-ec2";
import { GetParameterCommand } from "@aws-sdk/client-ssm";
import { parse } from "jsonc-parser";
import { imageParameter } from "../../components/aws/image";
import { Lab, makeStack, outputsOf, setConfig, Stack, startLab } from "../../lab";
import { leftovers } from "../../lab/aws";
import { changesIn, destroy, ec2, fails, ok, ssm, stateFile, stateOf, up } from "./support";

const REGION = "eu-central-1";
const POLICY = '{\n  "tagOwners": {},\n  "grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}],\n}\n';

/** What happens to a stack that stands: each test goes on from where the one before it stopped. */
describe("A relay's stack that is changed", function () {
  this.timeout(180_000);
  this.bail(true);
  let lab: Lab;
  let stack: Stack;

  interface Relay {
    instanceId: string;
    endpoint: string;
    hostname: string;
    publicIpv6?: string;
  }
  const readRelay = async () => ((await outputsOf(lab.engine, stack)).relays as Relay[])[0]!;
  const instanceOf = async ({ instanceId }: Relay) => {
    const found = await ec2(lab, REGION).send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }));
    return found.Reservations![0]!.Instances![0]!;
  };
  const vpcOf = async (relay: Relay) => (await instanceOf(relay)).VpcId!;
  const imageOf = async (relay: Relay) => (await instanceOf(relay)).ImageId!;
  const devices = async () =>
    (await lab.tailscale.devices()).map(({ hostname, connectedToControl }) => [hostname, connectedToControl]);
  /** Makes the change, and the relay must then be another VM behind the same address. */
  const replaces = async (change: Record<string, unknown>): Promise<Relay> => {
    const before = await readRelay();
    setConfig(stack, change);
    await up(lab, stack);
    const now = await readRelay();
    assert.notEqual(now.instanceId, before.instanceId);
    assert.equal(now.endpoint, before.endpoint);
    await ok(lab, stack, "preview", "--expect-no-changes");
    return now;
  };

  before(async () => {
    lab = await startLab({ policy: POLICY });
    stack = await makeStack(lab.engine, "changes", {
      "aws:region": REGION,
      "peer-relay:relays": 1,
      "peer-relay:clients": ["autogroup:member"],
      "peer-relay:network": "create",
      "peer-relay:ssmEndpoint": lab.aws.endpoint,
      "peer-relay:readyTimeoutSeconds": 30,
    });
    await up(lab, stack);
  });
  after(() => lab?.close());

  it("gets a new VM for IPv6, and one without it again", async () => {
    assert.match((await replaces({ "peer-relay:ipv6": true })).publicIpv6 ?? "", /:/);
    assert.equal((await replaces({ "peer-relay:ipv6": undefined })).publicIpv6, undefined);
  });

  it("moves from a network of its own to the default one", async () => {
    const own = await vpcOf(await readRelay());
    const moved = await replaces({ "peer-relay:network": undefined });
    assert.notEqual(await vpcOf(moved), own);
    assert.deepEqual(
      (await leftovers(lab.aws, REGION)).filter((line) => /^(vpc|subnet|internet-gateway) /.test(line)),
      [],
    );
  });

  it("comes back after its VM was terminated by hand, with the command that up names", async () => {
    const { instanceId } = await readRelay();
    await ec2(lab, REGION).send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }));
    const output = await fails(lab, stack, "up", "--yes", "--skip-preview", "--refresh");
    const named = /pulumi up --replace '([^']+)'/.exec(output)?.[1];
    assert.equal(named, "**::relay-1-enrollment", output);
    await up(lab, stack, "--replace", named!);
    assert.notEqual((await readRelay()).instanceId, instanceId);
    await ok(lab, stack, "preview", "--expect-no-changes");
  });

  it("gets another host name with another VM, whose device alone is in the tailnet", async () => {
    const before = await readRelay();
    const now = await replaces({ "peer-relay:hostname": "berlin" });
    assert.match(now.hostname, /^berlin-\d/);
    assert.notEqual(now.hostname, before.hostname);
    assert.deepEqual(await devices(), [[now.hostname, true]]);
  });

  it("keeps a former device that still looks online, for destroy to take", async () => {
    const { hostname } = await readRelay();
    const tags = ["tag:relay-changes"];
    const { clientSecret } = lab.tailscale.addOAuthClient({ scopes: ["auth_keys"], tags });
    lab.tailscale.register({ hostname, tags, authKey: `${clientSecret}?ephemeral=false&preauthorized=true` });
    const now = await replaces({ "peer-relay:hostname": undefined });
    assert.deepEqual((await devices()).sort(), [
      [hostname, true],
      [now.hostname, true],
    ]);
  });

  it("gets the image of another system, and one that is named", async () => {
    const debian = await imageOf(await readRelay());
    const amazon = await imageOf(await replaces({ "peer-relay:os": "amazon-linux" }));
    const parameter = await ssm(lab, REGION).send(
      new GetParameterCommand({ Name: imageParameter("amazon-linux", "arm64") }),
    );
    assert.equal(amazon, parameter.Parameter?.Value);
    const named = await imageOf(await replaces({ "peer-relay:os": undefined, "peer-relay:amiId": debian }));
    assert.equal(named, debian);
  });

  it("waits for the relay again when its instance type changes", async () => {
    const before = await readRelay();
    setConfig(stack, { "peer-relay:instanceType": "t4g.medium" });
    const changes = changesIn((await up(lab, stack)).output);
    assert.deepEqual([changes["relay-1-vm"], changes["relay-1-device"]], ["updated", "updated"]);
    assert.equal((await readRelay()).instanceId, before.instanceId);
    await ok(lab, stack, "preview", "--expect-no-changes");
  });

  it("stops at a grant that was edited by hand, and goes over it with forcePolicy", async () => {
    const edited = lab.tailscale.policy.text.replace('"autogroup:member"', '"autogroup:admin"');
    assert.notEqual(edited, lab.tailscale.policy.text);
    await lab.tailscale.humanEdit(() => edited);
    assert.match(await fails(lab, stack, "up", "--yes", "--skip-preview", "--refresh"), /autogroup:admin/);
    const refused = await fails(lab, stack, "destroy", "--yes", "--skip-preview");
    assert.match(refused, /force/);
    assert.equal(/object Object|\.js:\d+/.test(refused), false, refused);
    assert.equal(lab.tailscale.policy.text, edited);
    setConfig(stack, { "peer-relay:forcePolicy": true });
    await up(lab, stack);
    assert.match(lab.tailscale.policy.text, /autogroup:member/);
    setConfig(stack, { "peer-relay:forcePolicy": undefined });
    await up(lab, stack);
    await ok(lab, stack, "preview", "--expect-no-changes");
  });

  it("takes over the code of another version of this package, and touches nothing else", async () => {
    const file = stateFile(lab, stack);
    const state = readFileSync(file, "utf8");
    const older = state.replace(/"packageVersion":"[^"]+"/g, '"packageVersion":"0.0.1"');
    assert.notEqual(older, state);
    writeFileSync(file, older);
    const policy = lab.tailscale.policy.text;
    const before = lab.tailscale.requests.length;
    // It cannot know yet that the enrollment keeps its serial, so it announces a key and a device; never a VM.
    const { output: announced } = await ok(lab, stack, "preview");
    assert.equal(/relay-1-(vm|image|zone|generation) /.test(announced), false, announced);
    const { output } = await up(lab, stack);
    assert.deepEqual(Object.entries(changesIn(output)).sort(), [
      ["relay-1-device", "updated"],
      ["relay-1-enrollment", "updated"],
      ["relay-1-grant", "updated"],
      ["relay-1-tag-owners", "updated"],
    ]);
    assert.equal(lab.tailscale.policy.text, policy);
    assert.deepEqual(
      lab.tailscale.requests.slice(before).filter(({ method }) => method !== "GET"),
      [],
    );
    await ok(lab, stack, "preview", "--expect-no-changes");
  });

  it("changes two relays one after the other", async () => {
    setConfig(stack, { "peer-relay:relays": 2 });
    await up(lab, stack);
    setConfig(stack, { "peer-relay:version": "1.102.0" });
    const { output } = await up(lab, stack);
    const at = (text: string) => {
      const index = output.indexOf(text);
      assert.notEqual(index, -1, `${text} is not in\n${output}`);
      return index;
    };
    assert.ok(at("relay-2-vm deleting") > at("relay-1-device created"), output);
  });

  it("is destroyed, and nothing is left but the tag's owners, which somebody has edited", async () => {
    const [ours, edited] = ['["autogroup:admin"]', '["autogroup:admin", "autogroup:member"]'];
    await lab.tailscale.humanEdit((text) => text.replace(ours, edited));
    await destroy(lab, stack);
    assert.equal(stateOf(lab, stack).size, 0);
    assert.equal(lab.tailscale.policy.text.includes("peer-relay"), false);
    assert.deepEqual(parse(lab.tailscale.policy.text), {
      ...(parse(POLICY) as object),
      tagOwners: { "tag:relay-changes": ["autogroup:admin", "autogroup:member"] },
    });
    assert.deepEqual(await lab.tailscale.devices(), []);
    assert.deepEqual(await leftovers(lab.aws, REGION), []);
  });
});
