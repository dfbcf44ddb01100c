import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { ResolvedArgs } from "../peer-relay-args";
import { KeptValue } from "./kept-value";

/** Where the relay's VM and its security group go. */
export interface RelayNetwork {
  vpcId: pulumi.Output<string>;
  /** Unset: the default subnet of {@link availabilityZone}. */
  subnetId?: pulumi.Output<string>;
  availabilityZone?: pulumi.Input<string>;
  /** What must stand before the VM can reach the internet. */
  route: pulumi.Resource[];
}

/** Small, and unlikely to be one that a peering partner uses. */
const OWN_CIDR = "10.213.77.0/24";

/** The network that the arguments ask for. */
export function relayNetwork(
  name: string,
  args: ResolvedArgs,
  tags: Record<string, string>,
  parent: pulumi.Resource,
): RelayNetwork {
  if (args.network === "create") return ownNetwork(name, args, tags, parent);
  if (args.subnetId !== undefined) {
    const subnetId = pulumi.output(args.subnetId);
    const vpcId = subnetId.apply((id) => vpcOfPublicSubnet(id, parent));
    return { vpcId, subnetId, route: [] };
  }
  return { vpcId: pulumi.output(defaultVpc(parent)), availabilityZone: args.availabilityZone, route: [] };
}

async function defaultVpc(parent: pulumi.Resource): Promise<string> {
  try {
    return (await aws.ec2.getVpc({ default: true }, { parent })).id;
  } catch (error) {
    if (!/no matching EC2 VPC found/.test(String(error))) throw error;
    throw new Error(
      'network "default": this account has no default VPC in this region. Use network: "create" for a small VPC of the ' +
        "relay's own, or subnetId (in a stack file subnetIds) for a public subnet of yours.",
    );
  }
}

/** A subnet of the same program gets its route only after its id is known, and this check does not wait for that. */
const ROUTE_TRIES = 10;
const ROUTE_PAUSE_MS = 3_000;

/** The subnet's VPC. @throws when the subnet has no route to an internet gateway: nobody could reach the relay. */
async function vpcOfPublicSubnet(
  subnetId: string,
  parent: pulumi.Resource,
  tries = pulumi.runtime.isDryRun() ? 1 : ROUTE_TRIES,
): Promise<string> {
  const { vpcId } = await aws.ec2.getSubnet({ id: subnetId }, { parent });
  const tables = async (filters: { name: string; values: string[] }[]) =>
    (await aws.ec2.getRouteTables({ filters }, { parent })).ids;
  const own = await tables([{ name: "association.subnet-id", values: [subnetId] }]);
  // A subnet without a table of its own uses the VPC's main one.
  const main = [
    { name: "vpc-id", values: [vpcId] },
    { name: "association.main", values: ["true"] },
  ];
  const tableId = own[0] ?? (await tables(main))[0];
  const routes = tableId ? (await aws.ec2.getRouteTable({ routeTableId: tableId }, { parent })).routes : [];
  const isPublic = routes.some(
    (route) => route.cidrBlock === "0.0.0.0/0" && route.gatewayId.startsWith("igw-"),
  );
  if (!isPublic && tries > 1) {
    await new Promise((resolve) => setTimeout(resolve, ROUTE_PAUSE_MS));
    return vpcOfPublicSubnet(subnetId, parent, tries - 1);
  }
  if (!isPublic) {
    throw new Error(
      `subnetId ${subnetId}: its route table ${tableId ?? "(none)"} has no route for 0.0.0.0/0 to an internet gateway, ` +
        "so no client could reach the relay. Choose a public subnet.",
    );
  }
  return vpcId;
}

/** A dual-stack VPC with one public subnet, in a zone that offers the instance type. */
function ownNetwork(
  name: string,
  args: ResolvedArgs,
  tags: Record<string, string>,
  parent: pulumi.Resource,
): RelayNetwork {
  const vpc = new aws.ec2.Vpc(
    `${name}-vpc`,
    { cidrBlock: OWN_CIDR, assignGeneratedIpv6CidrBlock: true, enableDnsHostnames: true, tags },
    { parent },
  );
  const gateway = new aws.ec2.InternetGateway(`${name}-gateway`, { vpcId: vpc.id, tags }, { parent });
  const subnet = new aws.ec2.Subnet(
    `${name}-subnet`,
    {
      vpcId: vpc.id,
      cidrBlock: OWN_CIDR,
      // AWS gives the VPC a /56, and a subnet takes a /64 of it.
      ipv6CidrBlock: vpc.ipv6CidrBlock.apply((block) => block.replace(/\/56$/, "/64")),
      availabilityZone:
        args.availabilityZone ?? zonesOffering(args.instanceType, parent).apply((zones) => zones[0]!),
      tags,
    },
    { parent, ignoreChanges: args.availabilityZone === undefined ? ["availabilityZone"] : [] },
  );
  const table = new aws.ec2.RouteTable(`${name}-routes`, { vpcId: vpc.id, tags }, { parent });
  const out = { routeTableId: table.id, gatewayId: gateway.id };
  const route = [
    new aws.ec2.Route(`${name}-route-v4`, { ...out, destinationCidrBlock: "0.0.0.0/0" }, { parent }),
    new aws.ec2.Route(`${name}-route-v6`, { ...out, destinationIpv6CidrBlock: "::/0" }, { parent }),
    new aws.ec2.RouteTableAssociation(
      `${name}-route-association`,
      { routeTableId: table.id, subnetId: subnet.id },
      { parent },
    ),
  ];
  return { vpcId: vpc.id, subnetId: subnet.id, route };
}

/**
 * Zones for `count` relays of one instance type, spread over those of the region that offer it. Each is chosen once and
 * then kept, also when AWS opens another zone: a relay must not be replaced because of that.
 * @param prefix name of the relays: the choices are resources `<prefix>-1-zone`, `<prefix>-2-zone`, ...
 */
export function relayZones(prefix: string, count: number, instanceType: string): pulumi.Output<string>[] {
  const zones = zonesOffering(instanceType);
  return Array.from({ length: count }, (_, index) => {
    const value = zones.apply((all) => all[index % all.length]!);
    return new KeptValue(`${prefix}-${index + 1}-zone`, { key: instanceType, value }).value;
  });
}

/**
 * The region's zones that offer an instance type, in a stable order. Not every zone has every type.
 * @throws when none has it
 */
function zonesOffering(instanceType: string, parent?: pulumi.Resource): pulumi.Output<string[]> {
  const filters = [{ name: "instance-type", values: [instanceType] }];
  const offerings = aws.ec2.getInstanceTypeOfferingsOutput(
    { filters, locationType: "availability-zone" },
    { parent },
  );
  return offerings.locations.apply((zones) => {
    if (zones.length === 0) throw new Error(`instanceType ${instanceType} is not offered in this region`);
    return [...new Set(zones)].sort();
  });
}
