import {
  DescribeRouteTablesCommand,
  DescribeSubnetsCommand,
  DescribeVpcsCommand,
  type RouteTable,
} from "@aws-sdk/client-ec2";
import { compact, flag, text } from "../host";
import { isNotFound } from "./api-error";
import { ipv6Block } from "./ipv6-block";
import { filtersOf, single, tagsObject, type Lookup } from "./lookups";
import { defaultsOfVpc } from "./vpc-defaults";

/** An unknown id is no match, as in the real provider. */
async function noneIfNotFound<T>(found: Promise<T[] | undefined>): Promise<T[] | undefined> {
  return found.catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
}

export const getVpc: Lookup = async (here, args) => {
  const id = text(args, "id");
  const Filters = filtersOf(args, {
    cidr: text(args, "cidrBlock"),
    "is-default": flag(args, "default"),
    "dhcp-options-id": text(args, "dhcpOptionsId"),
    state: text(args, "state"),
  });
  const request = new DescribeVpcsCommand({ VpcIds: id ? [id] : undefined, Filters });
  const vpc = single(await noneIfNotFound(here.ec2.send(request).then((found) => found.Vpcs)), "EC2 VPC");
  const ipv6 = vpc.Ipv6CidrBlockAssociationSet?.[0];
  return {
    arn: `arn:${here.partition}:ec2:${here.region}:${vpc.OwnerId}:vpc/${vpc.VpcId}`,
    cidrBlock: vpc.CidrBlock,
    default: vpc.IsDefault,
    dhcpOptionsId: vpc.DhcpOptionsId,
    id: vpc.VpcId,
    instanceTenancy: vpc.InstanceTenancy,
    ipv6AssociationId: ipv6?.AssociationId ?? "",
    ipv6CidrBlock: ipv6?.Ipv6CidrBlock ?? "",
    mainRouteTableId: (await defaultsOfVpc(here, vpc.VpcId ?? ""))["mainRouteTableId"],
    ownerId: vpc.OwnerId,
    state: vpc.State,
    tags: tagsObject(vpc.Tags),
  };
};

export const getSubnets: Lookup = async (here, args) => {
  const found = await here.ec2.send(new DescribeSubnetsCommand({ Filters: filtersOf(args) }));
  return {
    id: here.region,
    ids: (found.Subnets ?? []).map((subnet) => subnet.SubnetId ?? ""),
    tags: args["tags"] ?? {},
  };
};

export const getSubnet: Lookup = async (here, args) => {
  const id = text(args, "id");
  const Filters = filtersOf(args, {
    availabilityZone: text(args, "availabilityZone"),
    availabilityZoneId: text(args, "availabilityZoneId"),
    cidrBlock: text(args, "cidrBlock"),
    defaultForAz: flag(args, "defaultForAz"),
    "vpc-id": text(args, "vpcId"),
    state: text(args, "state"),
  });
  const request = new DescribeSubnetsCommand({ SubnetIds: id ? [id] : undefined, Filters });
  const subnet = single(
    await noneIfNotFound(here.ec2.send(request).then((found) => found.Subnets)),
    "EC2 Subnet",
  );
  const ipv6 = ipv6Block(subnet);
  return {
    arn: `arn:${here.partition}:ec2:${here.region}:${subnet.OwnerId}:subnet/${subnet.SubnetId}`,
    assignIpv6AddressOnCreation: subnet.AssignIpv6AddressOnCreation,
    availabilityZone: subnet.AvailabilityZone,
    availabilityZoneId: subnet.AvailabilityZoneId,
    availableIpAddressCount: subnet.AvailableIpAddressCount,
    cidrBlock: subnet.CidrBlock,
    defaultForAz: subnet.DefaultForAz,
    id: subnet.SubnetId,
    ipv6CidrBlock: ipv6?.Ipv6CidrBlock ?? "",
    ipv6CidrBlockAssociationId: ipv6?.AssociationId ?? "",
    mapPublicIpOnLaunch: subnet.MapPublicIpOnLaunch,
    ownerId: subnet.OwnerId,
    state: subnet.State,
    tags: tagsObject(subnet.Tags),
    vpcId: subnet.VpcId,
  };
};

/** `subnetId` matches an explicit association only: a subnet that uses the main table has no match. */
export const getRouteTable: Lookup = async (here, args) => {
  const Filters = filtersOf(args, {
    "association.gateway-id": text(args, "gatewayId"),
    "association.subnet-id": text(args, "subnetId"),
    "route-table-id": text(args, "routeTableId"),
    "vpc-id": text(args, "vpcId"),
  });
  const found = (await here.ec2.send(new DescribeRouteTablesCommand({ Filters }))).RouteTables ?? [];
  if (found.length === 0)
    throw new Error("query returned no results. Please change your search criteria and try again");
  if (found.length > 1)
    throw new Error(
      "multiple Route Tables matched; use additional constraints to reduce matches to a single Route Table",
    );
  return routeTableResult(here.partition, here.region, single(found, "Route Table"));
};

function routeTableResult(partition: string, region: string, table: RouteTable) {
  const id = table.RouteTableId ?? "";
  return {
    arn: `arn:${partition}:ec2:${region}:${table.OwnerId}:route-table/${id}`,
    associations: (table.Associations ?? []).map((association) => ({
      gatewayId: association.GatewayId ?? "",
      main: association.Main ?? false,
      routeTableAssociationId: association.RouteTableAssociationId ?? "",
      routeTableId: id,
      subnetId: association.SubnetId ?? "",
    })),
    id,
    ownerId: table.OwnerId,
    routeTableId: id,
    // The real provider leaves out the local route that every table has.
    routes: (table.Routes ?? [])
      .filter((route) => route.GatewayId !== "local")
      .map((route) => ({
        cidrBlock: route.DestinationCidrBlock ?? "",
        destinationPrefixListId: route.DestinationPrefixListId ?? "",
        egressOnlyGatewayId: route.EgressOnlyInternetGatewayId ?? "",
        gatewayId: route.GatewayId ?? "",
        instanceId: route.InstanceId ?? "",
        ipv6CidrBlock: route.DestinationIpv6CidrBlock ?? "",
        natGatewayId: route.NatGatewayId ?? "",
        networkInterfaceId: route.NetworkInterfaceId ?? "",
        transitGatewayId: route.TransitGatewayId ?? "",
        vpcPeeringConnectionId: route.VpcPeeringConnectionId ?? "",
      })),
    tags: tagsObject(table.Tags),
    vpcId: table.VpcId,
  };
}

export const getRouteTables: Lookup = async (here, args) => {
  const Filters = filtersOf(args, { "vpc-id": text(args, "vpcId") });
  const found = await here.ec2.send(new DescribeRouteTablesCommand({ Filters }));
  const ids = (found.RouteTables ?? []).map((table) => table.RouteTableId ?? "");
  return { id: here.region, ids, ...compact({ tags: args["tags"] }) };
};
