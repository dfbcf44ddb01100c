import assert from "node:assert/strict";
import type * as pulumi from "@pulumi/pulumi";
import { enrollmentProvider } from "../../../components/tailnet/enrollment";
import { relayDeviceProvider } from "../../../components/tailnet/relay-device";
import { startTailscale, TailscaleLab } from "../../../lab/tailscale";

const POLICY = '{"tagOwners": {"tag:relay": []}, "grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}]}';
const TAGS = ["tag:relay"];
const inputs = { hostname: "berlin-1", keepers: "a", packageVersion: "1" };

/** The two resources that stand for the relay's lives in the tailnet, called as Pulumi's provider process calls them. */
describe("A relay's lives in the tailnet", () => {
  let lab: TailscaleLab;
  let clock = 0;
  const minuteLater = () => (clock += 60_000);
  const join = (hostname: string) => {
    const { clientSecret } = lab.addOAuthClient({ scopes: ["auth_keys"], tags: TAGS });
    const authKey = `${clientSecret}?ephemeral=false&preauthorized=true`;
    return lab.register({ hostname, tags: TAGS, authKey });
  };
  const names = async () => (await lab.devices()).map(({ hostname }) => hostname).sort();
  const begin = async () => (await enrollmentProvider.create!(inputs)).outs!;
  const update = async (olds: Awaited<ReturnType<typeof begin>>, change: Partial<typeof inputs>) =>
    (await enrollmentProvider.update!("id", olds, { ...inputs, ...change })).outs!;

  beforeEach(async () => {
    clock = 0;
    lab = await startTailscale({ policy: POLICY, now: () => Date.now() + clock });
    const settings: Record<string, string> = { "tailscale:apiKey": lab.apiKey, "tailscale:baseUrl": lab.url };
    const config = { get: (key: string) => settings[key] } as pulumi.dynamic.Config;
    for (const provider of [enrollmentProvider, relayDeviceProvider]) await provider.configure!({ config });
  });
  afterEach(() => lab.close());

  it("a new host or a new name is a new life, which deletes nothing; new code alone is none", async () => {
    const first = await begin();
    join("berlin-1");
    const [rebuilt, renamed] = [
      await update(first, { keepers: "b" }),
      await update(first, { hostname: "paris-1" }),
    ];
    const updated = await update(renamed, { hostname: "paris-1", packageVersion: "2" });
    assert.notEqual(rebuilt.serial, first.serial);
    assert.notEqual(renamed.serial, first.serial);
    assert.deepEqual([updated.serial, updated.since], [renamed.serial, renamed.since]);
    assert.deepEqual(
      [rebuilt, renamed, updated].map(({ formerHostnames }) => formerHostnames),
      [[], ["berlin-1"], ["berlin-1"]],
    );
    assert.deepEqual(await names(), ["berlin-1"]);
  });

  it("the end takes the devices of all names, but of a former name only those of before", async () => {
    const first = await begin();
    join("berlin-1");
    minuteLater();
    const renamed = await update(first, { hostname: "paris-1" });
    minuteLater();
    join("paris-1");
    const theirs = join("berlin-1");
    await enrollmentProvider.delete!("id", renamed);
    assert.deepEqual(
      (await lab.devices()).map(({ nodeId }) => nodeId),
      [theirs.nodeId],
    );
  });

  it("the first sight of the new device takes those of before along, unless they look online", async () => {
    const old = [join("berlin-1"), join("paris-1"), join("paris-1")];
    lab.setOnline(old[0]!.nodeId, false);
    lab.setOnline(old[1]!.nodeId, false);
    minuteLater();
    const since = new Date(Date.now() + clock).toISOString();
    const now = join("paris-1");
    const device = { hostname: "paris-1", formerHostnames: ["berlin-1"], tags: TAGS, serial: "s", since };
    const rest = {
      instanceId: "i-1",
      instanceType: "t4g.small",
      timeoutSeconds: 0,
      hint: "",
      packageVersion: "1",
    };
    const { id } = await relayDeviceProvider.create!({ ...device, ...rest });
    assert.equal(id, now.nodeId);
    assert.deepEqual(
      (await lab.devices()).map(({ nodeId }) => nodeId).sort(),
      [old[2]!.nodeId, now.nodeId].sort(),
    );
  });

  it("another instance type waits for the same device to come back", async () => {
    const { nodeId } = join("paris-1");
    const since = new Date(0).toISOString();
    const olds = {
      ...{ hostname: "paris-1", formerHostnames: [], tags: TAGS, serial: "s", since, instanceId: "i-1" },
      ...{ instanceType: "t4g.small", timeoutSeconds: 0, hint: "its console", packageVersion: "1" },
      ...{ deviceId: nodeId, tailscaleIps: [] },
    };
    const news = { ...olds, instanceType: "t4g.medium" };
    assert.deepEqual(await relayDeviceProvider.diff!(nodeId, olds, news), { changes: true, replaces: [] });
    lab.setOnline(nodeId, false);
    await assert.rejects(relayDeviceProvider.update!(nodeId, olds, news), /joined but is offline/);
    lab.setOnline(nodeId, true);
    assert.equal((await relayDeviceProvider.update!(nodeId, olds, news)).outs!.deviceId, nodeId);
  });

  it("does not begin where Tailscale would refuse the grants to come, and writes nothing", async () => {
    const grants = [{ src: ["tag:nobody"], dst: TAGS, app: { "tailscale.com/cap/relay": [] } }];
    const grantsFor = { owner: "shop/prod/relay", grants, tagOwners: {}, keepAllowAll: false };
    await assert.rejects(
      enrollmentProvider.create!({ ...inputs, grantsFor }),
      /refused the policy: .*tag:nobody/,
    );
    assert.equal(lab.policy.text, POLICY);
  });
});
