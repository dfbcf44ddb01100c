import * as ec2 from "@aws-sdk/client-ec2";
import * as iam from "@aws-sdk/client-iam";
import * as ssm from "@aws-sdk/client-ssm";
import type { Aws } from "./start";

/**
 * Everything in a region (and in IAM) that a new account does not have, as sorted `kind id` lines. Terminated instances
 * do not count. Empty after a destroy that took back all it brought.
 */
export async function leftovers(aws: Pick<Aws, "endpoint">, region: string): Promise<string[]> {
  const config = {
    endpoint: aws.endpoint,
    region,
    credentials: { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "EXAMPLE" },
  };
  const lines = await Promise.all([
    network(new ec2.EC2Client(config)),
    compute(new ec2.EC2Client(config)),
    identity(new iam.IAMClient(config)),
    parameters(new ssm.SSMClient(config)),
  ]);
  return lines.flat().sort();
}

const ids = (kind: string, found: (string | undefined)[]) => found.map((id) => `${kind} ${id}`);

async function network(client: ec2.EC2Client): Promise<string[]> {
  const [vpcs, subnets, gateways, tables, groups] = await Promise.all([
    client.send(new ec2.DescribeVpcsCommand({})),
    client.send(new ec2.DescribeSubnetsCommand({})),
    client.send(new ec2.DescribeInternetGatewaysCommand({})),
    client.send(new ec2.DescribeRouteTablesCommand({})),
    client.send(new ec2.DescribeSecurityGroupsCommand({})),
  ]);
  const defaults = (vpcs.Vpcs ?? []).filter((vpc) => vpc.IsDefault).map((vpc) => vpc.VpcId);
  const isDefaultVpc = (id: string | undefined) => defaults.includes(id);
  const foreign = (gateways.InternetGateways ?? []).filter((g) => !isDefaultVpc(g.Attachments?.[0]?.VpcId));
  const isMain = (table: ec2.RouteTable) =>
    (table.Associations ?? []).some((association) => association.Main);
  return [
    ...ids(
      "vpc",
      (vpcs.Vpcs ?? []).filter((v) => !v.IsDefault).map((v) => v.VpcId),
    ),
    ...ids(
      "subnet",
      (subnets.Subnets ?? []).filter((s) => !isDefaultVpc(s.VpcId)).map((s) => s.SubnetId),
    ),
    ...ids(
      "internet-gateway",
      foreign.map((gateway) => gateway.InternetGatewayId),
    ),
    ...ids(
      "route-table",
      (tables.RouteTables ?? []).filter((t) => !isMain(t)).map((t) => t.RouteTableId),
    ),
    ...ids(
      "security-group",
      (groups.SecurityGroups ?? []).filter((g) => g.GroupName !== "default").map((g) => g.GroupId),
    ),
  ];
}

async function compute(client: ec2.EC2Client): Promise<string[]> {
  const [reservations, addresses, interfaces, volumes] = await Promise.all([
    client.send(new ec2.DescribeInstancesCommand({})),
    client.send(new ec2.DescribeAddressesCommand({})),
    client.send(new ec2.DescribeNetworkInterfacesCommand({})),
    client.send(new ec2.DescribeVolumesCommand({})),
  ]);
  const instances = (reservations.Reservations ?? []).flatMap((reservation) => reservation.Instances ?? []);
  return [
    ...ids(
      "instance",
      instances.filter((i) => i.State?.Name !== "terminated").map((i) => i.InstanceId),
    ),
    ...ids(
      "elastic-ip",
      (addresses.Addresses ?? []).map((address) => address.PublicIp),
    ),
    ...ids(
      "network-interface",
      (interfaces.NetworkInterfaces ?? []).map((nic) => nic.NetworkInterfaceId),
    ),
    ...ids(
      "volume",
      (volumes.Volumes ?? []).map((volume) => volume.VolumeId),
    ),
  ];
}

async function identity(client: iam.IAMClient): Promise<string[]> {
  const [roles, profiles] = await Promise.all([
    client.send(new iam.ListRolesCommand({})),
    client.send(new iam.ListInstanceProfilesCommand({})),
  ]);
  return [
    ...ids(
      "role",
      (roles.Roles ?? []).map((role) => role.RoleName),
    ),
    ...ids(
      "instance-profile",
      (profiles.InstanceProfiles ?? []).map((profile) => profile.InstanceProfileName),
    ),
  ];
}

async function parameters(client: ssm.SSMClient): Promise<string[]> {
  const found = await client.send(new ssm.DescribeParametersCommand({}));
  const own = (found.Parameters ?? []).filter((parameter) => !parameter.Name?.startsWith("/aws/"));
  return ids(
    "parameter",
    own.map((parameter) => parameter.Name),
  );
}
