import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { lookUp } from "./look-up";

/** The way out, where the default VPC does not do. */
export const OTHER_NETWORKS =
  'Use network: "create" for a small VPC of the relay\'s own, or subnetId (in a stack file subnetIds) for a public subnet of yours.';

/** @throws when there is none */
export async function defaultVpc(parent?: pulumi.Resource): Promise<string> {
  const none = /no matching EC2 VPC found/;
  const found = aws.ec2.getVpc({ default: true }, { parent }).catch((error: unknown) => {
    if (none.test(String(error))) return undefined;
    throw error;
  });
  const vpc = await lookUp("the default VPC", found);
  if (vpc !== undefined) return vpc.id;
  throw new pulumi.RunError(
    `network "default": this account has no default VPC in this region. ${OTHER_NETWORKS}`,
  );
}

/** A subnet, as far as it decides whether a relay can stand in it. */
export interface SubnetFacts {
  id: string;
  availabilityZone: string;
  /** Empty when it has none. */
  ipv6CidrBlock: string;
}

/** The default subnets of the default VPC, in one zone or in all of them. */
export async function defaultSubnets(
  vpcId: string,
  zone: string | undefined,
  parent?: pulumi.Resource,
): Promise<SubnetFacts[]> {
  const filters = [
    { name: "vpc-id", values: [vpcId] },
    { name: "default-for-az", values: ["true"] },
    ...(zone === undefined ? [] : [{ name: "availability-zone", values: [zone] }]),
  ];
  const { ids } = await lookUp("the default subnets", aws.ec2.getSubnets({ filters }, { parent }));
  return Promise.all(
    ids.map((id) => lookUp(`the default subnet ${id}`, aws.ec2.getSubnet({ id }, { parent }))),
  );
}

/** The zone as it was given. @throws when the default VPC has no subnet for the relay there */
export async function checkedZone(
  vpcId: string | undefined,
  zone: string | undefined,
  ipv6: boolean,
  parent?: pulumi.Resource,
): Promise<string | undefined> {
  // A provider that is still to be made answers nothing in a preview.
  if (vpcId === undefined) return zone;
  const subnets = await defaultSubnets(vpcId, zone, parent);
  if (subnets.length === 0) throw new pulumi.RunError(noDefaultSubnet(zone));
  const lacking = subnets.filter((subnet) => !subnet.ipv6CidrBlock);
  if (ipv6 && lacking.length > 0) throw new pulumi.RunError(noIpv6Block(lacking));
  return zone;
}

export function noDefaultSubnet(zone: string | undefined): string {
  const problem =
    zone === undefined
      ? 'network "default": the default VPC has no default subnet.'
      : `availabilityZone must be one in which the default VPC has a default subnet, got "${zone}".`;
  return `${problem} ${OTHER_NETWORKS}`;
}

/** Without a zone AWS chooses among the default subnets: then each of them has to fit. */
export function noIpv6Block(subnets: SubnetFacts[]): string {
  const named = subnets.map(({ id, availabilityZone }) => `${id} (${availabilityZone})`).join(", ");
  return (
    `ipv6 must go with a subnet that has an IPv6 block, got true with ${named} without one. Use network: "create", or add ` +
    "an IPv6 block to the VPC and to the subnet, and a route for ::/0 to its internet gateway."
  );
}
