import assert from "node:assert/strict";
import {
  CreateSubnetCommand,
  CreateVpcCommand,
  DeleteInternetGatewayCommand,
  DeleteSubnetCommand,
  DeleteVpcCommand,
  DescribeInstancesCommand,
  DescribeInternetGatewaysCommand,
  DescribeSubnetsCommand,
  DescribeVpcsCommand,
  DetachInternetGatewayCommand,
  EC2Client,
} from "@aws-sdk/client-ec2";
import { Lab, makeStack, outputsOf, setConfig, Stack, startLab } from "../../lab";
import { leftovers } from "../../lab/aws";
import { destroy, ec2, fails, stateOf, up } from "./support";

const POLICY = '{"tagOwners": {}, "acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}\n';
const REGION = "eu-central-1";

describe("The relay's network on the real engine", function () {
  this.timeout(180_000);
  let lab: Lab;
  let stack: Stack;
  let client: EC2Client;

  beforeEach(async () => {
    lab = await startLab({ policy: POLICY });
    client = ec2(lab, REGION);
    stack = await makeStack(lab.engine, "net", {
      "aws:region": REGION,
      "peer-relay:relays": 1,
      "peer-relay:clients": ["autogroup:member"],
      "peer-relay:ssmEndpoint": lab.aws.endpoint,
      "peer-relay:readyTimeoutSeconds": 60,
    });
  });
  afterEach(() => lab?.close());

  /** What stands in the state beside the stack itself and the provider that look-ups go through. */
  const created = () =>
    [...stateOf(lab, stack).values()].filter(({ type }) => !/^pulumi:(pulumi|providers):/.test(type));
  const instance = async () => {
    const [relay] = (await outputsOf(lab.engine, stack)).relays as {
      instanceId: string;
      publicIpv6?: string;
    }[];
    const found = await client.send(new DescribeInstancesCommand({ InstanceIds: [relay!.instanceId] }));
    return { relay: relay!, vm: found.Reservations![0]!.Instances![0]! };
  };

  it("without a default VPC says which argument helps, and that argument helps", async () => {
    const { Vpcs } = await client.send(new DescribeVpcsCommand({}));
    const { Subnets } = await client.send(new DescribeSubnetsCommand({}));
    for (const { SubnetId } of Subnets ?? []) await client.send(new DeleteSubnetCommand({ SubnetId }));
    const { InternetGateways } = await client.send(new DescribeInternetGatewaysCommand({}));
    for (const { InternetGatewayId, Attachments } of InternetGateways ?? []) {
      await client.send(
        new DetachInternetGatewayCommand({ InternetGatewayId, VpcId: Attachments![0]!.VpcId }),
      );
      await client.send(new DeleteInternetGatewayCommand({ InternetGatewayId }));
    }
    for (const { VpcId } of Vpcs ?? []) await client.send(new DeleteVpcCommand({ VpcId }));
    const output = await fails(lab, stack, "up", "--yes", "--skip-preview");
    assert.match(output, /no default VPC in this region\. Use network: "create"/);

    setConfig(stack, { "peer-relay:network": "create", "peer-relay:ipv6": true });
    await up(lab, stack);
    const { relay, vm } = await instance();
    assert.match(relay.publicIpv6 ?? "", /:/);
    assert.equal(vm.NetworkInterfaces?.[0]?.Ipv6Addresses?.[0]?.Ipv6Address, relay.publicIpv6);
    await destroy(lab, stack);
    assert.deepEqual(await leftovers(lab.aws, REGION), []);
    assert.equal(lab.tailscale.policy.text, POLICY);
  });

  it("refuses a subnet without a route to an internet gateway, and takes a public one", async () => {
    const { Vpc } = await client.send(new CreateVpcCommand({ CidrBlock: "10.9.0.0/16" }));
    const made = await client.send(new CreateSubnetCommand({ VpcId: Vpc!.VpcId, CidrBlock: "10.9.1.0/24" }));
    setConfig(stack, { "peer-relay:subnetIds": [made.Subnet!.SubnetId] });
    const output = await fails(lab, stack, "preview");
    assert.match(
      output,
      /subnetId subnet-\w+: its route table rtb-\w+ has no route for 0\.0\.0\.0\/0 to an internet gateway/,
    );

    const { Subnets } = await client.send(
      new DescribeSubnetsCommand({ Filters: [{ Name: "default-for-az", Values: ["true"] }] }),
    );
    const ids = Subnets!.map((subnet) => subnet.SubnetId!);
    setConfig(stack, { "peer-relay:subnetIds": ids.slice(0, 1), "peer-relay:ipv6": true });
    const lacking = await fails(lab, stack, "up", "--yes", "--skip-preview");
    assert.match(
      lacking,
      new RegExp(`ipv6 must go with .*IPv6 block, got true with ${ids[0]} \\(.*without one`),
    );
    assert.deepEqual(created(), []);

    setConfig(stack, { "peer-relay:ipv6": undefined });
    await up(lab, stack);
    assert.equal((await instance()).vm.SubnetId, ids[0]);
    await destroy(lab, stack);
  });

  it("puts relays where the default VPC has a subnet, and says what IPv6 lacks there", async () => {
    const { Subnets } = await client.send(
      new DescribeSubnetsCommand({ Filters: [{ Name: "availability-zone", Values: [`${REGION}a`] }] }),
    );
    for (const { SubnetId } of Subnets ?? []) await client.send(new DeleteSubnetCommand({ SubnetId }));
    setConfig(stack, { "peer-relay:ipv6": true });
    const output = await fails(lab, stack, "up", "--yes", "--skip-preview");
    assert.match(
      output,
      /ipv6 must go with .*subnet-\w+ \(eu-central-1b\).*without one\. Use network: "create"/,
    );
    assert.deepEqual(created(), []);

    setConfig(stack, { "peer-relay:ipv6": undefined });
    await up(lab, stack);
    assert.equal((await instance()).vm.Placement?.AvailabilityZone, `${REGION}b`);
    await destroy(lab, stack);
  });

  it("says in one line that AWS can't be asked, and creates nothing", async () => {
    lab.engine.env.AWS_ENDPOINT_URL = "http://127.0.0.1:9";
    const output = await fails(lab, stack, "up", "--yes", "--skip-preview");
    const errors = output.split("\n").filter((line) => /^ +error: /.test(line));
    assert.equal(errors.length, 1, output);
    assert.match(errors[0]!, /AWS did not answer the look-up of the zones .* aws:region .*127\.0\.0\.1:9/);
    assert.doesNotMatch(output, /unhandled exception|^ +at /m);
    assert.deepEqual(created(), []);
  });
});
