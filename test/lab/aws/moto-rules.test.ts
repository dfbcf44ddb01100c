import * as ec2 from "@aws-sdk/client-ec2";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import assert from "node:assert/strict";
import { leftovers, releaseImage } from "../../../lab/aws";
import { awsForTests, clientConfig, outcome } from "./rig";

const DEBIAN = "/aws/service/debian/release/12/latest";
const UBUNTU = "/aws/service/canonical/ubuntu/server/24.04/stable/current";

describe("the lab's AWS API", function () {
  this.timeout(60_000);
  const rig = awsForTests();
  let client: ec2.EC2Client;
  let ssm: SSMClient;
  let ami: Record<"arm64" | "amd64", string>;

  before(async () => {
    client = new ec2.EC2Client(clientConfig(rig.aws));
    ssm = new SSMClient(clientConfig(rig.aws));
    ami = { arm64: await image(`${DEBIAN}/arm64`), amd64: await image(`${DEBIAN}/amd64`) };
  });

  const image = async (Name: string) =>
    (await ssm.send(new GetParameterCommand({ Name }))).Parameter?.Value ?? "";

  async function launch(more: Partial<ec2.RunInstancesCommandInput> = {}): Promise<ec2.Instance> {
    const request = {
      ImageId: ami.arm64,
      InstanceType: "t4g.small" as const,
      MinCount: 1,
      MaxCount: 1,
      ...more,
    };
    const made = await client.send(new ec2.RunInstancesCommand(request));
    return made.Instances?.[0] ?? {};
  }

  async function describe_(id: string | undefined): Promise<ec2.Instance> {
    const found = await client.send(new ec2.DescribeInstancesCommand({ InstanceIds: [id ?? ""] }));
    return found.Reservations?.[0]?.Instances?.[0] ?? {};
  }

  async function terminate(...instances: ec2.Instance[]): Promise<void> {
    const InstanceIds = instances.map((instance) => instance.InstanceId ?? "");
    await client.send(new ec2.TerminateInstancesCommand({ InstanceIds }));
  }

  async function group(name: string, VpcId?: string): Promise<string> {
    const made = await client.send(
      new ec2.CreateSecurityGroupCommand({ GroupName: name, Description: name, VpcId }),
    );
    return made.GroupId ?? "";
  }

  const removeGroup = (GroupId: string) => client.send(new ec2.DeleteSecurityGroupCommand({ GroupId }));
  const allocate = async () => client.send(new ec2.AllocateAddressCommand({ Domain: "vpc" }));

  afterEach("every test takes back what it made", async () => {
    assert.deepEqual(await leftovers(rig.aws, "eu-central-1"), []);
  });

  it("knows Debian's and Ubuntu's images under their public parameters, per region and architecture", async () => {
    const names = ["arm64", "amd64"].flatMap((arch) => [
      `${DEBIAN}/${arch}`,
      `/aws/service/debian/release/13/latest/${arch}`,
      `${UBUNTU}/${arch}/hvm/ebs-gp3/ami-id`,
    ]);
    const found = [];
    for (const name of names) {
      const ImageIds = [await image(name)];
      const described = (await client.send(new ec2.DescribeImagesCommand({ ImageIds }))).Images?.[0];
      found.push(`${described?.OwnerId} ${described?.Architecture} ${described?.RootDeviceName}`);
    }
    assert.deepEqual(found, [
      ...["136693071363 arm64 /dev/xvda", "136693071363 arm64 /dev/xvda", "099720109477 arm64 /dev/sda1"],
      ...["136693071363 x86_64 /dev/xvda", "136693071363 x86_64 /dev/xvda", "099720109477 x86_64 /dev/sda1"],
    ]);
  });

  it("moves a public parameter to a newer image on request, and the old image stays", async () => {
    const name = `${UBUNTU}/arm64/hvm/ebs-gp3/ami-id`;
    const old = await image(name);
    const made = await releaseImage(rig.aws, "eu-central-1", name);
    assert.deepEqual([await image(name), made === old], [made, false]);
    await client.send(new ec2.DescribeImagesCommand({ ImageIds: [old, made] }));
    await assert.rejects(releaseImage(rig.aws, "eu-central-1", "/no/such"), /unknown/);
  });

  it("gives the default VPC a route to an internet gateway", async () => {
    const tables = await client.send(new ec2.DescribeRouteTablesCommand({}));
    const route = tables.RouteTables?.[0]?.Routes?.find((each) => each.DestinationCidrBlock === "0.0.0.0/0");
    assert.match(route?.GatewayId ?? "", /^igw-/);
  });

  const refusedLaunches: [string, () => Partial<ec2.RunInstancesCommandInput>, string][] = [
    ["an image that does not exist", () => ({ ImageId: "ami-0123456789abcdef0" }), "InvalidAMIID.NotFound"],
    [
      "a type that does not exist",
      () => ({ InstanceType: "t4g.huge" as "t4g.small" }),
      "InvalidParameterValue",
    ],
    ["an image of another architecture", () => ({ ImageId: ami.amd64 }), "InvalidParameterValue"],
    ["a key pair that does not exist", () => ({ KeyName: "none" }), "InvalidKeyPair.NotFound"],
    ["more than 16 KB of user data", () => ({ UserData: base64(16_385) }), "InvalidParameterValue"],
    ["an IPv6 address in a subnet without IPv6", () => ({ Ipv6AddressCount: 1 }), "InvalidParameterValue"],
  ];
  for (const [what, more, code] of refusedLaunches) {
    it(`refuses to launch with ${what}`, async () => {
      const subnets = await client.send(new ec2.DescribeSubnetsCommand({}));
      const SubnetId = subnets.Subnets?.[0]?.SubnetId;
      assert.equal(await outcome(launch({ SubnetId, ...more() })), code);
    });
  }

  it("launches into the default subnet with an address of that subnet", async () => {
    const vm = await launch();
    await terminate(vm);
    assert.match(vm.PrivateIpAddress ?? "", /^172\.31\.(1[0-5]|[0-9])\./);
  });

  it("gives a VPC an IPv6 block of the documentation range", async () => {
    const made = await client.send(
      new ec2.CreateVpcCommand({ CidrBlock: "10.9.0.0/24", AmazonProvidedIpv6CidrBlock: true }),
    );
    await client.send(new ec2.DeleteVpcCommand({ VpcId: made.Vpc?.VpcId }));
    const block = made.Vpc?.Ipv6CidrBlockAssociationSet?.[0]?.Ipv6CidrBlock;
    assert.match(block ?? "", /^2001:db8:e[0-9a-f]{3}:[0-9a-f]{1,2}00::\/56$/);
  });

  it("takes 16 KB of user data, and new user data only while the instance is stopped", async () => {
    const vm = await launch({ UserData: base64(16_384) });
    const InstanceId = vm.InstanceId ?? "";
    const modify = (text: string) =>
      client.send(
        new ec2.ModifyInstanceAttributeCommand({ InstanceId, UserData: { Value: Buffer.from(text) } }),
      );
    const refused = await outcome(modify("#cloud-config\n"));
    await client.send(new ec2.StopInstancesCommand({ InstanceIds: [InstanceId] }));
    const tooLong = await outcome(modify("x".repeat(16_385)));
    await modify("#cloud-config\n# é");
    const attribute = new ec2.DescribeInstanceAttributeCommand({ InstanceId, Attribute: "userData" });
    const stored = (await client.send(attribute)).UserData?.Value ?? "";
    assert.deepEqual(
      [refused, tooLong, Buffer.from(stored, "base64").toString()],
      ["IncorrectInstanceState", "InvalidParameterValue", "#cloud-config\n# é"],
    );
    await terminate(vm);
  });

  it("changes one metadata option and keeps the others", async () => {
    const vm = await launch({ MetadataOptions: { HttpTokens: "required", HttpPutResponseHopLimit: 2 } });
    const request = { InstanceId: vm.InstanceId, HttpPutResponseHopLimit: 1 };
    await client.send(new ec2.ModifyInstanceMetadataOptionsCommand(request));
    const { HttpTokens, HttpPutResponseHopLimit } = (await describe_(vm.InstanceId)).MetadataOptions ?? {};
    assert.deepEqual(
      { HttpTokens, HttpPutResponseHopLimit },
      { HttpTokens: "required", HttpPutResponseHopLimit: 1 },
    );
    await terminate(vm);
  });

  it("gives an Elastic IP of the documentation range, never the same twice in a row, and five at most", async () => {
    const addresses = await Promise.all([1, 2, 3, 4, 5].map(allocate));
    const sixth = await outcome(allocate());
    const ips = addresses.map((address) => address.PublicIp ?? "");
    for (const { AllocationId } of addresses)
      await client.send(new ec2.ReleaseAddressCommand({ AllocationId }));
    const next = await allocate();
    await client.send(new ec2.ReleaseAddressCommand({ AllocationId: next.AllocationId }));
    const documented = [...ips, next.PublicIp].filter((ip) => ip?.startsWith("203.0.113."));
    assert.deepEqual([sixth, documented.length, new Set(documented).size], ["AddressLimitExceeded", 6, 6]);
  });

  it("moves an Elastic IP to another instance, keeps it over a stop, frees it on termination, releases it only then", async () => {
    const { AllocationId, PublicIp } = await allocate();
    const [first, second] = [await launch(), await launch()];
    const associate = (vm: ec2.Instance) =>
      client.send(new ec2.AssociateAddressCommand({ AllocationId, InstanceId: vm.InstanceId }));
    await associate(first);
    await associate(second);
    const moved = [
      (await describe_(first.InstanceId)).PublicIpAddress,
      (await describe_(second.InstanceId)).PublicIpAddress,
    ];
    const InstanceIds = [second.InstanceId ?? ""];
    await client.send(new ec2.StopInstancesCommand({ InstanceIds }));
    await client.send(new ec2.StartInstancesCommand({ InstanceIds }));
    const kept = (await describe_(second.InstanceId)).PublicIpAddress;
    const inUse = await outcome(client.send(new ec2.ReleaseAddressCommand({ AllocationId })));
    await terminate(first, second);
    const after_ = await client.send(
      new ec2.DescribeAddressesCommand({ AllocationIds: [AllocationId ?? ""] }),
    );
    await client.send(new ec2.ReleaseAddressCommand({ AllocationId }));
    assert.deepEqual(
      [moved[0] === PublicIp, moved[1], kept, inUse, after_.Addresses?.[0]?.AssociationId],
      [false, PublicIp, PublicIp, "InvalidIPAddress.InUse", undefined],
    );
  });

  it("keeps a security group that is in use or that another one refers to", async () => {
    const [used, referred] = [await group("used"), await group("referred")];
    const vm = await launch({ SecurityGroupIds: [used] });
    const rule = { IpProtocol: "udp", FromPort: 1, ToPort: 1, UserIdGroupPairs: [{ GroupId: referred }] };
    await client.send(new ec2.AuthorizeSecurityGroupIngressCommand({ GroupId: used, IpPermissions: [rule] }));
    const refused = [await outcome(removeGroup(used)), await outcome(removeGroup(referred))];
    await terminate(vm);
    await removeGroup(used);
    await removeGroup(referred);
    assert.deepEqual(refused, ["DependencyViolation", "DependencyViolation"]);
  });

  it("lets a security group go once an instance has another one instead", async () => {
    const [before_, after_] = [await group("before"), await group("after")];
    const vm = await launch({ SecurityGroupIds: [before_] });
    const modify = (Groups: string[]) =>
      client.send(new ec2.ModifyInstanceAttributeCommand({ InstanceId: vm.InstanceId, Groups }));
    assert.equal(await outcome(modify(["sg-0123456789abcdef0"])), "InvalidGroup.NotFound");
    await modify([after_]);
    await removeGroup(before_);
    assert.equal(await outcome(removeGroup(after_)), "DependencyViolation");
    await terminate(vm);
    await removeGroup(after_);
  });

  const refusedGroups: [string, string, string | undefined, string][] = [
    ["a name like an id", "sg-relay", undefined, "InvalidParameterValue"],
    ["a VPC that does not exist", "relay", "vpc-0123456789abcdef0", "InvalidVpcID.NotFound"],
  ];
  for (const [what, name, vpc, code] of refusedGroups) {
    it(`refuses a security group with ${what}`, async () => {
      assert.equal(await outcome(group(name, vpc)), code);
    });
  }

  it("refuses rules with impossible ports or protocols", async () => {
    const GroupId = await group("rules");
    const rules: [string, number | undefined, number | undefined][] = [
      ["udp", 70_000, 70_000],
      ["udp", 5, 4],
      ["tcp", undefined, undefined],
      ["carrier-pigeon", 1, 1],
      ["256", 1, 1],
      ["udp", 40_000, 40_000],
    ];
    const answers = [];
    for (const [IpProtocol, FromPort, ToPort] of rules) {
      const IpPermissions = [{ IpProtocol, FromPort, ToPort, IpRanges: [{ CidrIp: "0.0.0.0/0" }] }];
      answers.push(
        await outcome(client.send(new ec2.AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions }))),
      );
    }
    await removeGroup(GroupId);
    assert.deepEqual(answers, [...Array<string>(5).fill("InvalidParameterValue"), "ok"]);
  });

  it("takes a network down in AWS's order only", async () => {
    const vpc = await client.send(
      new ec2.CreateVpcCommand({ CidrBlock: "10.9.0.0/16", AmazonProvidedIpv6CidrBlock: true }),
    );
    const VpcId = vpc.Vpc?.VpcId;
    const block = vpc.Vpc?.Ipv6CidrBlockAssociationSet?.[0]?.Ipv6CidrBlock?.replace(/\/\d+$/, "/64");
    const made = await client.send(
      new ec2.CreateSubnetCommand({ VpcId, CidrBlock: "10.9.1.0/24", Ipv6CidrBlock: block }),
    );
    const SubnetId = made.Subnet?.SubnetId;
    const taken = client.send(
      new ec2.CreateSubnetCommand({ VpcId, CidrBlock: "10.9.2.0/24", Ipv6CidrBlock: block }),
    );
    assert.equal(await outcome(taken), "InvalidSubnet.Conflict");
    assert.equal(made.Subnet?.DefaultForAz, false);
    const vm = await launch({ SubnetId, Ipv6AddressCount: 1 });
    assert.equal(vm.NetworkInterfaces?.[0]?.Ipv6Addresses?.length, 1);

    const { AllocationId } = await allocate();
    const associate = () =>
      client.send(new ec2.AssociateAddressCommand({ AllocationId, InstanceId: vm.InstanceId }));
    assert.equal(await outcome(associate()), "Gateway.NotAttached");
    const gateway = await client.send(new ec2.CreateInternetGatewayCommand({}));
    const InternetGatewayId = gateway.InternetGateway?.InternetGatewayId;
    await client.send(new ec2.AttachInternetGatewayCommand({ InternetGatewayId, VpcId }));
    await associate();

    const detach = () => client.send(new ec2.DetachInternetGatewayCommand({ InternetGatewayId, VpcId }));
    const deleteSubnet = () => client.send(new ec2.DeleteSubnetCommand({ SubnetId }));
    const deleteVpc = () => client.send(new ec2.DeleteVpcCommand({ VpcId }));
    const early = [await outcome(detach()), await outcome(deleteSubnet()), await outcome(deleteVpc())];
    assert.deepEqual(early, Array(3).fill("DependencyViolation"));
    await terminate(vm);
    await client.send(new ec2.ReleaseAddressCommand({ AllocationId }));
    await deleteSubnet();
    assert.equal(await outcome(deleteVpc()), "DependencyViolation");
    await detach();
    await client.send(new ec2.DeleteInternetGatewayCommand({ InternetGatewayId }));
    await deleteVpc();
  });
});

function base64(bytes: number): string {
  return Buffer.from("x".repeat(bytes)).toString("base64");
}
