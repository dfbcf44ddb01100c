import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { DEFAULTS, type PeerRelayArgs } from "../peer-relay-args";
import {
  defaultSubnets,
  defaultVpc,
  noDefaultSubnet,
  noIpv6Block,
  OTHER_NETWORKS,
  type SubnetFacts,
} from "./default-vpc";
import { KeptValue } from "./kept-value";
import { lookUp } from "./look-up";

/**
 * Zones for `count` relays in the default VPC, spread over those that have a default subnet and offer the instance type.
 * Each is chosen once and then kept, also when AWS opens another zone: a relay must not be replaced because of that.
 * @param prefix name of the relays: the choices are resources `<prefix>-1-zone`, `<prefix>-2-zone`, ...
 * @param args what the relays get; with `ipv6`, the default subnet must have an IPv6 block
 * @throws when no zone fits, before anything is created
 */
export async function relayZones(
  prefix: string,
  count: number,
  {
    instanceType = DEFAULTS.instanceType,
    ipv6 = DEFAULTS.ipv6,
  }: Pick<PeerRelayArgs, "instanceType" | "ipv6"> = {},
): Promise<pulumi.Output<string>[]> {
  const offering = await zonesOffering(instanceType);
  const subnets = await defaultSubnets(await defaultVpc(), undefined);
  const zones = usableZones(instanceType, ipv6, offering, subnets);
  // Turned on later, ipv6 replaces the VM anyway, and may need another zone.
  const key = ipv6 ? `${instanceType} ipv6` : instanceType;
  return Array.from({ length: count }, (_, index) => {
    const value = zones[index % zones.length]!;
    return new KeptValue(`${prefix}-${index + 1}-zone`, { key, value }).value;
  });
}

function usableZones(
  instanceType: string,
  ipv6: boolean,
  offering: string[],
  subnets: SubnetFacts[],
): string[] {
  if (subnets.length === 0) throw new pulumi.RunError(noDefaultSubnet(undefined));
  const fitting = subnets.filter((subnet) => !ipv6 || subnet.ipv6CidrBlock);
  if (fitting.length === 0) throw new pulumi.RunError(noIpv6Block(subnets));
  const zonesWithSubnet = fitting.map((subnet) => subnet.availabilityZone);
  const zones = offering.filter((zone) => zonesWithSubnet.includes(zone));
  if (zones.length > 0) return zones;
  const needed = ipv6 ? "a default subnet with an IPv6 block" : "a default subnet";
  throw new pulumi.RunError(
    `instanceType must be offered in a zone that has ${needed} (${zonesWithSubnet.sort().join(", ")}), got "${instanceType}", ` +
      `which is offered in ${offering.join(", ")} only. ${OTHER_NETWORKS}`,
  );
}

/**
 * The region's zones that offer an instance type, in a stable order. Not every zone has every type.
 * @throws when none has it
 */
export async function zonesOffering(
  instanceType = DEFAULTS.instanceType,
  parent?: pulumi.Resource,
): Promise<string[]> {
  const filters = [{ name: "instance-type", values: [instanceType] }];
  const found = aws.ec2.getInstanceTypeOfferings({ filters, locationType: "availability-zone" }, { parent });
  const { locations } = await lookUp(`the zones that offer ${instanceType}`, found);
  // A provider that is still to be made answers nothing in a preview.
  if (locations === undefined) return [];
  if (locations.length > 0) return [...new Set(locations)].sort();
  throw new pulumi.RunError(`instanceType must be offered in this region, got "${instanceType}"`);
}
