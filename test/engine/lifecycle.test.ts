import assert from "node:assert/strict";
import { DescribeInstancesCommand, DescribeSecurityGroupRulesCommand } from "@aws-sdk/client-ec2";
import { imageParameter } from "../../components/aws/image";
import { Lab, makeStack, outputsOf, setConfig, Stack, startLab } from "../../lab";
import { leftovers, releaseImage } from "../../lab/aws";
import { changesIn, corpusPolicy, destroy, ec2, ok, refresh, stateOf, up } from "./support";

const REGION = "eu-central-1";
const POLICY = corpusPolicy("075-simplyminimal-grants-example-policy.hujson");

interface RelayOutputs {
  hostname: string;
  endpoint: string;
  instanceId: string;
  securityGroupId: string;
  deviceId: string;
  tailscaleIps: string[];
}

/** One stack through its whole life: each test goes on from where the one before it stopped. */
describe("A region's stack on the real engine", function () {
  this.timeout(120_000);
  this.bail(true);
  let lab: Lab;
  let stack: Stack;
  let relay: RelayOutputs;

  const readRelay = async () => ((await outputsOf(lab.engine, stack)).relays as RelayOutputs[])[0]!;
  const expectNoChanges = () => ok(lab, stack, "preview", "--expect-no-changes");
  const openPorts = async () => {
    const filters = [{ Name: "group-id", Values: [relay.securityGroupId] }];
    const { SecurityGroupRules } = await ec2(lab, REGION).send(
      new DescribeSecurityGroupRulesCommand({ Filters: filters }),
    );
    return (SecurityGroupRules ?? [])
      .filter((rule) => !rule.IsEgress)
      .map((rule) => `${rule.IpProtocol} ${rule.FromPort}-${rule.ToPort} ${rule.CidrIpv4 ?? rule.CidrIpv6}`)
      .sort();
  };

  before(async () => {
    lab = await startLab({ policy: POLICY });
    stack = await makeStack(lab.engine, "prod-eu-central-1", {
      "peer-relay:relays": 1,
      "peer-relay:clients": ["autogroup:member"],
      "peer-relay:ssmEndpoint": lab.aws.endpoint,
      "peer-relay:readyTimeoutSeconds": 30,
    });
  });
  after(() => lab?.close());

  it("preview of a new stack shows it all and writes nothing", async () => {
    const { output } = await ok(lab, stack, "preview");
    assert.match(output, /relay-1-vm create/);
    assert.match(output, /^ +\+\s+"tag:relay-prod-eu-central-1": \["autogroup:admin"\]/m);
    assert.match(
      output,
      /^ +\+\s+\{"src": \["autogroup:member"\], "dst": \["tag:relay-prod-eu-central-1"\], "app"/m,
    );
    assert.deepEqual(
      lab.tailscale.requests.filter((request) => request.method !== "GET"),
      [],
    );
    assert.deepEqual(await leftovers(lab.aws, REGION), []);
  });

  it("up brings the VM, its address, its firewall, its device and its grant", async () => {
    await up(lab, stack);
    relay = await readRelay();
    const ip = relay.endpoint.replace(":40000", "");
    assert.equal(relay.hostname, `prod-eu-central-1-relay-1-${ip.replace(/\./g, "-")}`);
    const device = (await lab.tailscale.devices()).find((candidate) => candidate.hostname === relay.hostname);
    assert.deepEqual(
      [device?.tags, device?.connectedToControl, relay.tailscaleIps],
      [["tag:relay-prod-eu-central-1"], true, device?.addresses],
    );
    assert.deepEqual(await openPorts(), ["udp 40000-40000 0.0.0.0/0", "udp 40000-40000 ::/0"]);
    assert.match(lab.tailscale.policy.text, /"dst":\s*\["tag:relay-prod-eu-central-1"\]/);
  });

  it("creates in the order that Tailscale wants: tag owners, key, parameter, VM, device, grant", () => {
    const state = stateOf(lab, stack);
    const needs = (name: string, seen = new Set<string>()): Set<string> => {
      for (const urn of state.get(name)?.dependencies ?? []) {
        const dependency = urn.slice(urn.lastIndexOf("::") + 2);
        if (!seen.has(dependency)) needs(dependency, seen.add(dependency));
      }
      return seen;
    };
    const before = (name: string) =>
      [...needs(`relay-1-${name}`)].map((found) => found.replace("relay-1-", ""));
    assert.ok(before("auth-key").includes("tag-owners"), "the key needs its tag's owner");
    assert.ok(before("vm").includes("join-secret"), "the VM needs its parameter");
    assert.ok(before("vm").includes("enrollment"), "the device is deleted after the VM");
    for (const name of ["device", "vm", "auth-key", "tag-owners"]) {
      assert.ok(before("grant").includes(name), `the grant comes after ${name}`);
    }
  });

  it("asks for IMDSv2 with one hop, an encrypted disk and no SSH port", async () => {
    const { Reservations } = await ec2(lab, REGION).send(
      new DescribeInstancesCommand({ InstanceIds: [relay.instanceId] }),
    );
    const { MetadataOptions: imds, KeyName } = Reservations![0]!.Instances![0]!;
    assert.deepEqual(
      [imds?.HttpTokens, imds?.HttpPutResponseHopLimit, imds?.HttpEndpoint, KeyName],
      ["required", 1, "enabled", undefined],
    );
    const disk = stateOf(lab, stack).get("relay-1-vm")?.inputs?.rootBlockDevice as Record<string, unknown>;
    assert.deepEqual([disk.encrypted, disk.volumeType, disk.volumeSize], [true, "gp3", 8]);
  });

  it("preview and refresh are clean afterwards", async () => {
    await expectNoChanges();
    await ok(lab, stack, "refresh", "--yes", "--skip-preview", "--expect-no-changes");
    await expectNoChanges();
  });

  it("a grant deleted by hand is seen by refresh and written again by up", async () => {
    const withGrant = lab.tailscale.policy.text;
    await lab.tailscale.humanEdit((text) => {
      const at = text.indexOf("// peer-relay: peer-relay/prod-eu-central-1/relay-1 ");
      const end = text.indexOf("},", text.indexOf("tailscale.com/cap/relay", at)) + 2;
      return text.slice(0, text.lastIndexOf("\n", at)) + text.slice(end);
    });
    assert.notEqual(lab.tailscale.policy.text, withGrant);
    await refresh(lab, stack);
    const { output } = await up(lab, stack);
    assert.deepEqual(changesIn(output), { "relay-1-grant": "created" });
    assert.equal(lab.tailscale.policy.text, withGrant);
  });

  it("a device deleted by hand is seen by refresh, and up lets the same VM join again", async () => {
    const before = relay;
    await lab.tailscale.deleteDevice(relay.deviceId);
    await refresh(lab, stack);
    await up(lab, stack);
    relay = await readRelay();
    assert.equal(relay.instanceId, before.instanceId);
    assert.notEqual(relay.deviceId, before.deviceId);
    assert.deepEqual(
      (await lab.tailscale.devices()).map((device) => device.connectedToControl),
      [true],
    );
    await expectNoChanges();
  });

  it("a newer image does not replace the relay", async () => {
    await releaseImage(lab.aws, REGION, imageParameter("debian", "arm64"));
    await expectNoChanges();
  });

  it("a new auth key changes the parameter in place and does not replace the VM", async () => {
    const urn = stateOf(lab, stack).get("relay-1-auth-key")!.urn;
    const { output } = await up(lab, stack, "--replace", urn);
    assert.deepEqual(changesIn(output), { "relay-1-auth-key": "replaced", "relay-1-join-secret": "updated" });
    await expectNoChanges();
  });

  it("a generation replaced by hand makes another VM, which joins anew", async () => {
    const before = relay;
    const { output } = await up(lab, stack, "--replace", "**::relay-1-generation");
    const changes = changesIn(output);
    assert.deepEqual([changes["relay-1-vm"], changes["relay-1-auth-key"]], ["replaced", "replaced"]);
    relay = await readRelay();
    assert.notEqual(relay.instanceId, before.instanceId);
    assert.notEqual(relay.deviceId, before.deviceId);
    assert.deepEqual([relay.endpoint, relay.hostname], [before.endpoint, before.hostname]);
    assert.deepEqual(
      (await lab.tailscale.devices()).map((device) => [device.hostname, device.connectedToControl]),
      [[relay.hostname, true]],
    );
    await expectNoChanges();
  });

  it("the kill switch takes grant and port away, keeps the VM, and gives both back", async () => {
    const withGrant = lab.tailscale.policy.text;
    setConfig(stack, { "peer-relay:enabled": false });
    const { output } = await ok(lab, stack, "preview");
    assert.match(output, /^ +-\s+\{"src": \["autogroup:member"\], .*"app"/m);
    assert.equal(lab.tailscale.policy.text, withGrant);
    await up(lab, stack);
    assert.equal(lab.tailscale.policy.text.includes("tailscale.com/cap/relay"), false);
    assert.deepEqual(await openPorts(), []);
    await expectNoChanges();
    setConfig(stack, { "peer-relay:enabled": undefined });
    await up(lab, stack);
    assert.equal(lab.tailscale.policy.text, withGrant);
    assert.deepEqual(await openPorts(), ["udp 40000-40000 0.0.0.0/0", "udp 40000-40000 ::/0"]);
    assert.deepEqual((await readRelay()).instanceId, relay.instanceId);
  });

  it("another port changes the firewall in place, replaces the VM and keeps address and policy", async () => {
    const policy = lab.tailscale.policy.text;
    setConfig(stack, { "peer-relay:port": 41000 });
    const { output } = await up(lab, stack);
    const changes = changesIn(output);
    const verbs = (verb: string) =>
      Object.keys(changes)
        .filter((name) => changes[name] === verb)
        .sort();
    assert.deepEqual(
      verbs("updated"),
      [
        "relay-1-enrollment",
        "relay-1-join-secret",
        "relay-1-relay-from-0.0.0.0-0",
        "relay-1-relay-from-__-0",
      ].sort(),
    );
    assert.deepEqual(verbs("replaced"), [
      "relay-1-address-association",
      "relay-1-auth-key",
      "relay-1-device",
      "relay-1-vm",
    ]);
    const now = await readRelay();
    assert.equal(now.endpoint, relay.endpoint.replace(":40000", ":41000"));
    assert.equal(lab.tailscale.policy.text, policy);
    assert.deepEqual(
      (await lab.tailscale.devices()).map((device) => device.id === undefined || device.hostname),
      [now.hostname],
    );
    await expectNoChanges();
  });

  it("destroy takes back exactly what up brought", async () => {
    await destroy(lab, stack);
    assert.equal(lab.tailscale.policy.text, POLICY);
    assert.deepEqual(await lab.tailscale.devices(), []);
    assert.deepEqual(await leftovers(lab.aws, REGION), []);
    assert.deepEqual(
      lab.tailscale.requests.filter(
        (request) => request.method === "POST" && request.path.endsWith("/acl") && !request.ifMatch,
      ),
      [],
    );
  });
});
