import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { ResolvedArgs } from "../peer-relay-args";
import type { RelayNetwork } from "./network";

/** What the relay's VM is made of. */
export interface RelayVmArgs {
  args: ResolvedArgs;
  image: pulumi.Output<string>;
  network: RelayNetwork;
  firewall: aws.ec2.SecurityGroup;
  profile: aws.iam.InstanceProfile;
  userData: pulumi.Output<string>;
  tags: Record<string, string>;
  /** What must stand before it boots. */
  dependsOn: pulumi.Resource[];
}

/** The relay's VM; replaced when its user data changes, which names everything that asks for another host. */
export function relayVm(
  name: string,
  { args, image, network, firewall, profile, userData, tags, dependsOn }: RelayVmArgs,
  parent: pulumi.Resource,
): aws.ec2.Instance {
  return new aws.ec2.Instance(
    `${name}-vm`,
    {
      ami: image,
      instanceType: args.instanceType,
      subnetId: network.subnetId,
      availabilityZone: network.availabilityZone,
      vpcSecurityGroupIds: [firewall.id],
      iamInstanceProfile: profile.name,
      userData,
      userDataReplaceOnChange: true,
      ipv6AddressCount: args.ipv6 ? 1 : undefined,
      // The relay learns its public address from IMDS; with one hop, nothing behind it can.
      metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
      rootBlockDevice: { volumeType: "gp3", volumeSize: args.rootVolumeGib, encrypted: true },
      tags,
      volumeTags: tags,
    },
    // The old VM must be gone before the new one joins: they share the address.
    { parent, deleteBeforeReplace: true, dependsOn },
  );
}
