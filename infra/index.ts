import * as pulumi from "@pulumi/pulumi";
import { checkRelaySubnet, PeerRelay, relayZones, zonesOffering } from "../components";
import { readStackConfig, relayArgs, relayNames, StackConfig } from "./config";
import { warnAboutFreePlan } from "./free-plan";

/** Each relay's zone; none where the subnets decide it. What AWS can't give is found here, before anything is created. */
async function zonesOf({ relays, subnetIds, relay }: StackConfig): Promise<pulumi.Output<string>[]> {
  if (!subnetIds && relay.network !== "create") return relayZones("relay", relays, relay);
  if (!subnetIds) await zonesOffering(relay.instanceType);
  for (const id of new Set(subnetIds)) await checkRelaySubnet(id, relay);
  return [];
}

async function buildRelays(config: StackConfig): Promise<PeerRelay[]> {
  const zones = await zonesOf(config);
  // One after the other: a change that replaces the VMs takes the next one down when the one before serves again.
  const relays: PeerRelay[] = [];
  for (const [index, name] of relayNames(config).entries()) {
    const args = { ...relayArgs(config, index), availabilityZone: zones[index] };
    relays.push(new PeerRelay(name, args, { dependsOn: relays.slice(-1) }));
  }
  return relays;
}

async function main(): Promise<Record<string, unknown>> {
  const config = readStackConfig(pulumi.getStack());
  const relays = await buildRelays(config);
  void warnAboutFreePlan(config.relays, config.relay.policy !== "emit");
  return {
    relays: relays.map(
      ({ hostname, endpoint, publicIpv6, instanceId, securityGroupId, deviceId, tailscaleIps }) => ({
        ...{ hostname, endpoint, publicIpv6, instanceId, securityGroupId, deviceId, tailscaleIps },
      }),
    ),
    policyFragments: relays.map((relay) => relay.policyFragment),
  };
}

// The function, not its promise: a rejection before Pulumi waits for it would be reported twice.
export = main;
