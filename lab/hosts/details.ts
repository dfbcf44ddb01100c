import { DescribeInstancesCommand, DescribeSubnetsCommand, EC2Client } from "@aws-sdk/client-ec2";
import type { AwsAccess, CloudInstance } from "../instances";

/** What EC2 knows of an instance beside what every look at the cloud brings. */
export interface InstanceDetails {
  imageId: string;
  instanceType: string;
  availabilityZone: string;
  vpcId: string;
  subnetId: string;
  interfaceId: string;
  /** The subnet's IPv4 block. */
  subnetCidr: string;
  mac: string;
  privateIp: string;
  hopLimit: number;
  securityGroups: string[];
  /** AWS lends it a public address for as long as it has no Elastic IP. */
  lentAddress: boolean;
}

/** @throws when there is no such instance, or it has no interface */
export async function describeInstance(aws: AwsAccess, instance: CloudInstance): Promise<InstanceDetails> {
  const ec2 = new EC2Client({
    region: instance.region,
    endpoint: aws.endpoint,
    credentials: {
      accessKeyId: aws.env.AWS_ACCESS_KEY_ID ?? "lab",
      secretAccessKey: aws.env.AWS_SECRET_ACCESS_KEY ?? "lab",
    },
  });
  try {
    const request = new DescribeInstancesCommand({ InstanceIds: [instance.id] });
    const found = (await ec2.send(request)).Reservations?.[0]?.Instances?.[0];
    const nic = found?.NetworkInterfaces?.[0];
    if (!found?.PrivateIpAddress || !nic?.MacAddress) throw new Error(`${instance.id} has no interface`);
    const subnets = await ec2.send(new DescribeSubnetsCommand({ SubnetIds: [found.SubnetId ?? ""] }));
    return {
      imageId: found.ImageId ?? "",
      instanceType: found.InstanceType ?? "",
      availabilityZone: found.Placement?.AvailabilityZone ?? "",
      vpcId: found.VpcId ?? "",
      subnetId: found.SubnetId ?? "",
      interfaceId: nic.NetworkInterfaceId ?? "",
      subnetCidr: subnets.Subnets?.[0]?.CidrBlock ?? "",
      mac: nic.MacAddress,
      privateIp: found.PrivateIpAddress,
      hopLimit: found.MetadataOptions?.HttpPutResponseHopLimit ?? 1,
      securityGroups: (found.SecurityGroups ?? []).flatMap((g) => g.GroupName ?? []),
      lentAddress: Boolean(subnets.Subnets?.[0]?.MapPublicIpOnLaunch),
    };
  } finally {
    ec2.destroy();
  }
}
