import {
  DescribeInstanceAttributeCommand,
  DescribeInstancesCommand,
  DescribeVolumesCommand,
  type Instance,
  type Volume,
} from "@aws-sdk/client-ec2";
import type { Props, Value } from "../host";
import type { Regional } from "./context";

/** The instance as EC2 describes it, terminated ones included. */
export async function describe(here: Regional, id: string): Promise<Instance | undefined> {
  const found = await here.ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
  return found.Reservations?.[0]?.Instances?.[0];
}

/** The volume that the instance boots from. */
export async function rootVolume(here: Regional, found: Instance): Promise<Volume | undefined> {
  const id = found.BlockDeviceMappings?.[0]?.Ebs?.VolumeId;
  if (!id) return undefined;
  return (await here.ec2.send(new DescribeVolumesCommand({ VolumeIds: [id] }))).Volumes?.[0];
}

/** An instance's inputs as EC2 has them, root volume and tags aside. */
export async function liveInputs(
  here: Regional,
  found: Instance,
  state: Props,
): Promise<Record<string, Value | undefined>> {
  const id = found.InstanceId ?? "";
  const attribute = new DescribeInstanceAttributeCommand({ InstanceId: id, Attribute: "userData" });
  const userData = (await here.ec2.send(attribute)).UserData?.Value;
  const options = found.MetadataOptions;
  return {
    ami: found.ImageId,
    availabilityZone: found.Placement?.AvailabilityZone,
    iamInstanceProfile: found.IamInstanceProfile?.Arn?.split("/").pop(),
    instanceType: found.InstanceType,
    ipv6AddressCount: found.NetworkInterfaces?.[0]?.Ipv6Addresses?.length,
    keyName: found.KeyName,
    metadataOptions: onlyKeysOf(state["metadataOptions"], {
      httpEndpoint: options?.HttpEndpoint,
      httpTokens: options?.HttpTokens,
      httpPutResponseHopLimit: options?.HttpPutResponseHopLimit,
      httpProtocolIpv6: options?.HttpProtocolIpv6,
      instanceMetadataTags: options?.InstanceMetadataTags,
    }),
    privateIp: found.PrivateIpAddress,
    sourceDestCheck: found.SourceDestCheck,
    subnetId: found.SubnetId,
    userData: userData ? Buffer.from(userData, "base64").toString() : undefined,
    vpcSecurityGroupIds: (found.SecurityGroups ?? []).map((group) => group.GroupId ?? ""),
  };
}

/** The root volume's inputs as EC2 has them. */
export function liveVolume(volume: Volume | undefined, state: Props): Record<string, Value | undefined> {
  if (!volume) return {};
  const rootBlockDevice = onlyKeysOf(state["rootBlockDevice"], {
    volumeType: volume.VolumeType,
    volumeSize: volume.Size,
    encrypted: volume.Encrypted,
    kmsKeyId: volume.KmsKeyId,
    iops: volume.Iops,
    throughput: volume.Throughput,
    deleteOnTermination: volume.Attachments?.[0]?.DeleteOnTermination,
  });
  const tags = Object.fromEntries((volume.Tags ?? []).map((tag) => [tag.Key ?? "", tag.Value ?? ""]));
  return { rootBlockDevice, ...("volumeTags" in state ? { volumeTags: tags } : {}) };
}

/** What was left to AWS is not compared: of a block that is given, only the members that are given count. */
function onlyKeysOf(given: Value | undefined, live: Record<string, Value | undefined>): Props {
  const known = typeof given === "object" && given !== null ? Object.keys(given) : Object.keys(live);
  const entries = known.map((key) => [key, live[key]] as const);
  return Object.fromEntries(entries.filter((entry): entry is [string, Value] => entry[1] !== undefined));
}

/** What AWS made up for an instance. */
export function liveOutputs(here: Regional, found: Instance): Record<string, Value | undefined> {
  const owner = found.NetworkInterfaces?.[0]?.OwnerId ?? "123456789012";
  return {
    arn: `arn:${here.partition}:ec2:${here.region}:${owner}:instance/${found.InstanceId}`,
    instanceState: found.State?.Name,
    ipv6Addresses: (found.NetworkInterfaces?.[0]?.Ipv6Addresses ?? []).map(
      (address) => address.Ipv6Address ?? "",
    ),
    primaryNetworkInterfaceId: found.NetworkInterfaces?.[0]?.NetworkInterfaceId,
    privateDns: found.PrivateDnsName,
    publicDns: found.PublicDnsName ?? "",
    publicIp: found.PublicIpAddress ?? "",
  };
}
