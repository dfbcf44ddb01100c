import {
  DescribeImagesCommand,
  type BlockDeviceMapping,
  type RunInstancesCommandInput,
} from "@aws-sdk/client-ec2";
import { flag, number, object, text, texts, type Props } from "../host";
import type { Regional } from "./context";
import { allTags, ownTags, tagSpecification } from "./tags";

/** The request that launches an instance with these inputs. */
export async function launchRequest(here: Regional, inputs: Props): Promise<RunInstancesCommandInput> {
  const ami = text(inputs, "ami");
  const userData = text(inputs, "userData");
  const profile = text(inputs, "iamInstanceProfile");
  const zone = text(inputs, "availabilityZone");
  // The provider's default tags do not go to volumes.
  const volumeTags = tagSpecification("volume", ownTags(inputs, "volumeTags"));
  return {
    ImageId: ami,
    InstanceType: text(inputs, "instanceType") as RunInstancesCommandInput["InstanceType"],
    MinCount: 1,
    MaxCount: 1,
    UserData: userData === undefined ? undefined : Buffer.from(userData).toString("base64"),
    KeyName: text(inputs, "keyName"),
    IamInstanceProfile: profile ? { Name: profile } : undefined,
    Placement: zone ? { AvailabilityZone: zone } : undefined,
    Monitoring: "monitoring" in inputs ? { Enabled: flag(inputs, "monitoring") } : undefined,
    MetadataOptions:
      "metadataOptions" in inputs ? metadataRequest(object(inputs, "metadataOptions")) : undefined,
    BlockDeviceMappings: await blockDevices(here, ami ?? "", object(inputs, "rootBlockDevice")),
    TagSpecifications: [
      ...(tagSpecification("instance", allTags(here, inputs)) ?? []),
      ...(volumeTags ?? []),
    ],
    ...networkRequest(inputs),
  };
}

/** Subnet, groups and addresses; on an interface of its own when the public address is decided here. */
function networkRequest(inputs: Props): Partial<RunInstancesCommandInput> {
  const groups = texts(inputs, "vpcSecurityGroupIds");
  const common = {
    SubnetId: text(inputs, "subnetId"),
    PrivateIpAddress: text(inputs, "privateIp"),
    Ipv6AddressCount: number(inputs, "ipv6AddressCount"),
  };
  const associate = flag(inputs, "associatePublicIpAddress");
  if (associate === undefined) return { ...common, SecurityGroupIds: groups };
  return {
    NetworkInterfaces: [{ DeviceIndex: 0, AssociatePublicIpAddress: associate, Groups: groups, ...common }],
  };
}

/** The metadata service's settings as EC2 takes them. */
export function metadataRequest(options: Props) {
  return {
    HttpEndpoint: text(options, "httpEndpoint") as "enabled" | "disabled" | undefined,
    HttpTokens: text(options, "httpTokens") as "required" | "optional" | undefined,
    HttpPutResponseHopLimit: number(options, "httpPutResponseHopLimit"),
    HttpProtocolIpv6: text(options, "httpProtocolIpv6") as "enabled" | "disabled" | undefined,
    InstanceMetadataTags: text(options, "instanceMetadataTags") as "enabled" | "disabled" | undefined,
  };
}

async function blockDevices(
  here: Regional,
  ami: string,
  root: Props,
): Promise<BlockDeviceMapping[] | undefined> {
  if (Object.keys(root).length === 0) return undefined;
  const images = await here.ec2.send(new DescribeImagesCommand({ ImageIds: [ami] }));
  return [
    {
      DeviceName: images.Images?.[0]?.RootDeviceName,
      Ebs: {
        VolumeType: text(root, "volumeType") as "gp3" | undefined,
        VolumeSize: number(root, "volumeSize") ?? 8,
        Encrypted: flag(root, "encrypted"),
        KmsKeyId: text(root, "kmsKeyId"),
        Iops: number(root, "iops"),
        Throughput: number(root, "throughput"),
        DeleteOnTermination: flag(root, "deleteOnTermination") ?? true,
      },
    },
  ];
}
