import * as pulumi from "@pulumi/pulumi";
import { InvalidArgsError, PeerRelay, relayZones } from "../components";
import { warnAboutFreePlan } from "./free-plan";
import { asConfigProblems, readStackConfig, StackConfig, StackConfigError } from "./config";

const DEFAULT_INSTANCE_TYPE = "t4g.small";

function buildRelays(config: StackConfig): PeerRelay[] {
  const zones =
    config.subnetIds || config.relay.network === "create"
      ? []
      : relayZones("relay", config.relays, config.relay.instanceType ?? DEFAULT_INSTANCE_TYPE);
  return Array.from({ length: config.relays }, (_, index) => {
    const place = config.subnetIds
      ? { subnetId: config.subnetIds[index % config.subnetIds.length] }
      : { availabilityZone: zones[index] };
    const hostname = config.relay.hostname ? `${config.relay.hostname}-${index + 1}` : undefined;
    return new PeerRelay(`relay-${index + 1}`, { ...config.relay, ...place, hostname });
  });
}

function main(): Record<string, unknown> {
  const stack = pulumi.getStack();
  try {
    const config = readStackConfig(stack);
    const relays = buildRelays(config);
    if (config.relay.policy !== "emit") void warnAboutFreePlan(config.relays);
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
