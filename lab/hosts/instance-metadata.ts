import type { CloudInstance } from "../instances";
import type { RoleCredentials } from "./credentials";
import type { InstanceDetails } from "./details";
import type { Metadata } from "./metadata";

/** What an instance's metadata is made of. */
export interface MetadataFacts {
  instance: CloudInstance;
  details: InstanceDetails;
  publicIp?: string;
  userData?: Buffer;
  /** Absent: the instance has no role, or one that does not trust EC2. */
  role?: { name: string; profileArn: string; credentials: RoleCredentials };
}

/** EC2's metadata tree, as far as cloud-init, tailscale and the bootstrap look at it. */
export function instanceMetadata({ instance, details, publicIp, userData, role }: MetadataFacts): Metadata {
  const hostName = `ip-${details.privateIp.replace(/\./g, "-")}.${instance.region}.compute.internal`;
  const mac = `meta-data/network/interfaces/macs/${details.mac}`;
  const withPrefix = (prefix: string, values: Record<string, string | undefined>): Metadata =>
    Object.fromEntries(
      Object.entries(values).flatMap(([key, value]) => (value ? [[`${prefix}/${key}`, value]] : [])),
    );
  return {
    ...(userData ? { "user-data": userData } : {}),
    ...withPrefix("meta-data", {
      "ami-id": details.imageId,
      "ami-launch-index": "0",
      "instance-id": instance.id,
      "instance-type": details.instanceType,
      hostname: hostName,
      "local-hostname": hostName,
      "local-ipv4": details.privateIp,
      "public-ipv4": publicIp,
      ipv6: instance.ipv6Addresses[0],
      mac: details.mac,
      "security-groups": details.securityGroups.join("\n"),
      "placement/region": instance.region,
      "placement/availability-zone": details.availabilityZone,
      "services/domain": "amazonaws.com",
      "services/partition": "aws",
    }),
    ...withPrefix(mac, {
      mac: details.mac,
      "device-number": "0",
      "interface-id": details.interfaceId,
      "local-hostname": hostName,
      "local-ipv4s": details.privateIp,
      "public-ipv4s": publicIp,
      [`ipv4-associations/${publicIp ?? ""}`]: publicIp && details.privateIp,
      ipv6s: instance.ipv6Addresses.join("\n"),
      "owner-id": instance.accountId,
      "security-groups": details.securityGroups.join("\n"),
      "security-group-ids": instance.securityGroupIds.join("\n"),
      "subnet-id": details.subnetId,
      "subnet-ipv4-cidr-block": details.subnetCidr,
      "vpc-id": details.vpcId,
    }),
    ...(role ? roleMetadata(role) : {}),
    "dynamic/instance-identity/document": JSON.stringify({
      accountId: instance.accountId,
      architecture: process.arch === "arm64" ? "arm64" : "x86_64",
      availabilityZone: details.availabilityZone,
      imageId: details.imageId,
      instanceId: instance.id,
      instanceType: details.instanceType,
      privateIp: details.privateIp,
      region: instance.region,
      version: "2017-09-30",
    }),
  };
}

function roleMetadata({ name, profileArn, credentials }: NonNullable<MetadataFacts["role"]>): Metadata {
  const { accessKeyId, secretAccessKey, sessionToken, expires } = credentials;
  return {
    "meta-data/iam/info": JSON.stringify({ Code: "Success", InstanceProfileArn: profileArn }),
    [`meta-data/iam/security-credentials/${name}`]: JSON.stringify({
      Code: "Success",
      Type: "AWS-HMAC",
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      Token: sessionToken,
      Expiration: expires.toISOString().replace(/\.\d+Z$/, "Z"),
    }),
  };
}
