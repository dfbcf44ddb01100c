import * as pulumi from "@pulumi/pulumi";
import { checkPeerRelayArgs, InvalidArgsError, PeerRelay, PeerRelayArgs, relayZones } from "../components";
import { warnAboutFreePlan } from "./free-plan";
import { asConfigProblems, readStackConfig, StackConfig, StackConfigError } from "./config";

const DEFAULT_INSTANCE_TYPE = "t4g.small";

function buildRelays(config: StackConfig): PeerRelay[] {
  const names = Array.from({ length: config.relays }, (_, index) => `relay-${index + 1}`);
  const argsOf = (index: number): PeerRelayArgs => ({
    ...config.relay,
    hostname: config.relay.hostname && `${config.relay.hostname}-${index + 1}`,
    subnetId: config.subnetIds?.[index % config.subnetIds.length],
  });
  // All of them, before the first resource: the choice of a zone is one too.
  names.forEach((name, index) => checkPeerRelayArgs(name, argsOf(index)));
  const zones =
    config.subnetIds || config.relay.network === "create"
      ? []
      : relayZones("relay", config.relays, config.relay.instanceType ?? DEFAULT_INSTANCE_TYPE);
  // One after the other: a change that replaces the VMs takes the next one down when the one before serves again.
  const relays: PeerRelay[] = [];
  for (const [index, name] of names.entries()) {
    const args = { ...argsOf(index), availabilityZone: zones[index] };
    relays.push(new PeerRelay(name, args, { dependsOn: relays.slice(-1) }));
  }
  return relays;
}

function main(): Record<string, unknown> {
  const stack = pulumi.getStack();
  try {
    const config = readStackConfig(stack);
    const relays = buildRelays(config);
    void warnAboutFreePlan(config.relays, config.relay.policy !== "emit");
    return {
      relays: relays.map(
        ({ hostname, endpoint, publicIpv6, instanceId, securityGroupId, deviceId, tailscaleIps }) => ({
          ...{ hostname, endpoint, publicIpv6, instanceId, securityGroupId, deviceId, tailscaleIps },
        }),
      ),
      policyFragments: relays.map((relay) => relay.policyFragment),
    };
  } catch (error) {
    if (!(error instanceof InvalidArgsError)) throw error;
    throw new StackConfigError(stack, asConfigProblems(error.problems));
  }
}

export = main();
