import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { DEFAULTS, type PeerRelayArgs, type ResolvedArgs } from "../peer-relay-args";
import { checkedZone, defaultVpc, noIpv6Block } from "./default-vpc";
import { lookUp } from "./look-up";
import { zonesOffering } from "./zones";

/** Where the relay's VM and its security group go. */
export interface RelayNetwork {
  vpcId: pulumi.Output<string>;
  /** Unset: the default subnet of {@link availabilityZone}. */
  subnetId?: pulumi.Output<string>;
  availabilityZone?: pulumi.Input<string | undefined>;
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
    const vpcId = subnetId.apply((id) => vpcOfPublicSubnet(id, args.ipv6, parent));
    return { vpcId, subnetId, route: [] };
  }
  const vpcId = pulumi.output(defaultVpc(parent));
  const availabilityZone = pulumi
    .all([vpcId, args.availabilityZone])
    .apply(([vpc, zone]) => checkedZone(vpc, zone, args.ipv6, parent));
  return { vpcId, availabilityZone, route: [] };
}

/** A subnet of the same program gets its route only after its id is known, and this check does not wait for that. */
const ROUTE_TRIES = 10;
const ROUTE_PAUSE_MS = 3_000;

/**
 * Looks up whether a relay can stand in a subnet, for a program that wants to know before it creates anything: once a
 * relay is under way, Pulumi puts the error behind a long list of what depends on the subnet.
 * @throws when the subnet has no route to an internet gateway, or lacks the IPv6 block that `ipv6` asks for
 */
export async function checkRelaySubnet(
  subnetId: string,
  { ipv6 = DEFAULTS.ipv6 }: Pick<PeerRelayArgs, "ipv6"> = {},
): Promise<void> {
  await vpcOfPublicSubnet(subnetId, ipv6, undefined, 1);
}

/**
 * The subnet's VPC.
 * @throws when the subnet has no route to an internet gateway, so that nobody could reach the relay, or lacks the IPv6
 * block that `ipv6` asks for
 */
async function vpcOfPublicSubnet(
  subnetId: string,
  ipv6: boolean,
  parent?: pulumi.Resource,
  tries = pulumi.runtime.isDryRun() ? 1 : ROUTE_TRIES,
): Promise<string> {
  const subnet = await lookUp(`subnetId ${subnetId}`, aws.ec2.getSubnet({ id: subnetId }, { parent }));
  if (ipv6 && !subnet.ipv6CidrBlock) throw new pulumi.RunError(noIpv6Block([subnet]));
  const { vpcId } = subnet;
  const tables = async (filters: { name: string; values: string[] }[]) =>
    (await lookUp(`the route table of ${subnetId}`, aws.ec2.getRouteTables({ filters }, { parent }))).ids;
  const own = await tables([{ name: "association.subnet-id", values: [subnetId] }]);
  // A subnet without a table of its own uses the VPC's main one.
  const main = [
    { name: "vpc-id", values: [vpcId] },
    { name: "association.main", values: ["true"] },
  ];
  const tableId = own[0] ?? (await tables(main))[0];
  const routes = tableId ? await routesOf(tableId, parent) : [];
  const isPublic = routes.some(
    (route) => route.cidrBlock === "0.0.0.0/0" && route.gatewayId.startsWith("igw-"),
  );
  if (!isPublic && tries > 1) {
    await new Promise((resolve) => setTimeout(resolve, ROUTE_PAUSE_MS));
    return vpcOfPublicSubnet(subnetId, ipv6, parent, tries - 1);
  }
  if (!isPublic) {
    throw new pulumi.RunError(
      `subnetId ${subnetId}: its route table ${tableId ?? "(none)"} has no route for 0.0.0.0/0 to an internet gateway, ` +
        "so no client could reach the relay. Choose a public subnet.",
    );
  }
  return vpcId;
}

async function routesOf(routeTableId: string, parent?: pulumi.Resource) {
  const found = aws.ec2.getRouteTable({ routeTableId }, { parent });
  return (await lookUp(`the route table ${routeTableId}`, found)).routes;
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
        args.availabilityZone ?? zonesOffering(args.instanceType, parent).then((zones) => zones[0]!),
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
