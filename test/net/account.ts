import * as ec2 from "@aws-sdk/client-ec2";
import * as iam from "@aws-sdk/client-iam";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import type { Aws } from "../../lab/aws";

export const region = "eu-central-1";
export const parameter = "/peer-relay/auth";

const document = (statement: object): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: [statement] });

/** The lab's AWS account, with which a test does what a stack would do. */
export class Account {
  private readonly ec2: ec2.EC2Client;
  private readonly iam: iam.IAMClient;
  private readonly ssm: SSMClient;

  constructor(aws: Aws) {
    const credentials = {
      accessKeyId: aws.env.AWS_ACCESS_KEY_ID ?? "",
      secretAccessKey: aws.env.AWS_SECRET_ACCESS_KEY ?? "",
    };
    const settings = { region, endpoint: aws.endpoint, credentials };
    this.ec2 = new ec2.EC2Client(settings);
    this.iam = new iam.IAMClient(settings);
    this.ssm = new SSMClient(settings);
  }

  async allocate(): Promise<{ id: string; ip: string }> {
    const made = await this.ec2.send(new ec2.AllocateAddressCommand({ Domain: "vpc" }));
    return { id: made.AllocationId ?? "", ip: made.PublicIp ?? "" };
  }

  async associate(instanceId: string, address: { id: string }): Promise<void> {
    await this.ec2.send(
      new ec2.AssociateAddressCommand({ InstanceId: instanceId, AllocationId: address.id }),
    );
  }

  /** A security group as it is when it is new: everything out, nothing in. */
  async group(vpcId: string, name: string): Promise<string> {
    const request = { GroupName: name, Description: name, VpcId: vpcId };
    const { GroupId = "" } = await this.ec2.send(new ec2.CreateSecurityGroupCommand(request));
    return GroupId;
  }

  private readonly relayRule = {
    IpProtocol: "udp",
    FromPort: 40000,
    ToPort: 40000,
    IpRanges: [{ CidrIp: "0.0.0.0/0" }],
    Ipv6Ranges: [{ CidrIpv6: "::/0" }],
  };

  async openPort(GroupId: string): Promise<void> {
    const IpPermissions = [this.relayRule];
    await this.ec2.send(new ec2.AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions }));
  }

  async closePort(GroupId: string): Promise<void> {
    const IpPermissions = [this.relayRule];
    await this.ec2.send(new ec2.RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions }));
  }

  /** A role for instances, in a profile of the same name, that may do nothing. */
  async role(name: string): Promise<void> {
    const trust = {
      Effect: "Allow",
      Principal: { Service: "ec2.amazonaws.com" },
      Action: "sts:AssumeRole",
    };
    await this.iam.send(
      new iam.CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: document(trust) }),
    );
    await this.iam.send(new iam.CreateInstanceProfileCommand({ InstanceProfileName: name }));
    await this.iam.send(
      new iam.AddRoleToInstanceProfileCommand({ InstanceProfileName: name, RoleName: name }),
    );
  }

  async allowParameter(role: string): Promise<void> {
    const Resource = `arn:aws:ssm:${region}:123456789012:parameter${parameter}`;
    const PolicyDocument = document({ Effect: "Allow", Action: "ssm:GetParameter", Resource });
    await this.iam.send(
      new iam.PutRolePolicyCommand({ RoleName: role, PolicyName: "parameter", PolicyDocument }),
    );
  }

  async putParameter(Value: string): Promise<void> {
    await this.ssm.send(new PutParameterCommand({ Name: parameter, Type: "SecureString", Value }));
  }

  /** A dual-stack VPC with one public subnet that lends addresses. */
  async network(): Promise<{ vpcId: string; subnetId: string }> {
    const vpc = await this.ec2.send(
      new ec2.CreateVpcCommand({ CidrBlock: "10.213.77.0/24", AmazonProvidedIpv6CidrBlock: true }),
    );
    const VpcId = vpc.Vpc?.VpcId ?? "";
    const block = vpc.Vpc?.Ipv6CidrBlockAssociationSet?.[0]?.Ipv6CidrBlock ?? "";
    const gateway = await this.ec2.send(new ec2.CreateInternetGatewayCommand({}));
    const InternetGatewayId = gateway.InternetGateway?.InternetGatewayId ?? "";
    await this.ec2.send(new ec2.AttachInternetGatewayCommand({ InternetGatewayId, VpcId }));
    const subnet = await this.ec2.send(
      new ec2.CreateSubnetCommand({
        VpcId,
        CidrBlock: "10.213.77.0/24",
        Ipv6CidrBlock: block.replace(/\/56$/, "/64"),
      }),
    );
    const SubnetId = subnet.Subnet?.SubnetId ?? "";
    const MapPublicIpOnLaunch = { Value: true };
    await this.ec2.send(new ec2.ModifySubnetAttributeCommand({ SubnetId, MapPublicIpOnLaunch }));
    return { vpcId: VpcId, subnetId: SubnetId };
  }

  async launch(more: Partial<ec2.RunInstancesCommandInput>, userData: string): Promise<string> {
    const filters = [{ Name: "architecture", Values: ["arm64"] }];
    const images = await this.ec2.send(new ec2.DescribeImagesCommand({ Filters: filters }));
    const made = await this.ec2.send(
      new ec2.RunInstancesCommand({
        ImageId: images.Images?.[0]?.ImageId,
        InstanceType: "t4g.small",
        MinCount: 1,
        MaxCount: 1,
        MetadataOptions: { HttpTokens: "required", HttpPutResponseHopLimit: 1 },
        UserData: Buffer.from(userData).toString("base64"),
        ...more,
      }),
    );
    return made.Instances?.[0]?.InstanceId ?? "";
  }

  async ipv6(instanceId: string): Promise<string> {
    const found = await this.ec2.send(new ec2.DescribeInstancesCommand({ InstanceIds: [instanceId] }));
    const nic = found.Reservations?.[0]?.Instances?.[0]?.NetworkInterfaces?.[0];
    return nic?.Ipv6Addresses?.[0]?.Ipv6Address ?? "";
  }

  async stop(...InstanceIds: string[]): Promise<void> {
    await this.ec2.send(new ec2.StopInstancesCommand({ InstanceIds }));
  }

  async start(...InstanceIds: string[]): Promise<void> {
    await this.ec2.send(new ec2.StartInstancesCommand({ InstanceIds }));
  }

  async terminate(...InstanceIds: string[]): Promise<void> {
    await this.ec2.send(new ec2.TerminateInstancesCommand({ InstanceIds }));
  }

  close(): void {
    for (const client of [this.ec2, this.iam, this.ssm]) client.destroy();
  }
}
