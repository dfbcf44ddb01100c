import {
  AssociateSubnetCidrBlockCommand,
  AssociateVpcCidrBlockCommand,
  AttachInternetGatewayCommand,
  CreateInternetGatewayCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  DeleteInternetGatewayCommand,
  DeleteSubnetCommand,
  DeleteVpcCommand,
  DescribeInternetGatewaysCommand,
  DescribeSubnetsCommand,
  DescribeVpcAttributeCommand,
  DescribeVpcsCommand,
  DetachInternetGatewayCommand,
  DisassociateSubnetCidrBlockCommand,
  DisassociateVpcCidrBlockCommand,
  ModifySubnetAttributeCommand,
  ModifyVpcAttributeCommand,
} from "@aws-sdk/client-ec2";
import { flag, text, type Change, type Props } from "../host";
import { isNotFound } from "./api-error";
import type { Regional } from "./context";
import type { AwsKind } from "./kind";
import { allTags, readTags, tagSpecification, updateEc2Tags } from "./tags";
import { defaultsOfVpc } from "./vpc-defaults";

/** A virtual network; its IPv6 block is Amazon's. */
export const vpc: AwsKind = {
  label: "EC2 VPC",
  inputs: [
    "assignGeneratedIpv6CidrBlock",
    "cidrBlock",
    "enableDnsHostnames",
    "enableDnsSupport",
    "instanceTenancy",
    "ipv6CidrBlock",
    "tags",
  ],
  required: ["cidrBlock"],
  defaults: { enableDnsSupport: true, instanceTenancy: "default" },
  replaceOn: ["cidrBlock", "instanceTenancy"],
  chosen: ["enableDnsHostnames", "ipv6CidrBlock"],
  outputs: [
    "arn",
    "defaultNetworkAclId",
    "defaultRouteTableId",
    "defaultSecurityGroupId",
    "dhcpOptionsId",
    "ipv6AssociationId",
    "mainRouteTableId",
    "ownerId",
    "tagsAll",
  ],
  touches: (changed) =>
    changed.includes("assignGeneratedIpv6CidrBlock") ? ["ipv6CidrBlock", "ipv6AssociationId"] : [],
  async create(here, inputs) {
    const made = await here.ec2.send(
      new CreateVpcCommand({
        CidrBlock: text(inputs, "cidrBlock"),
        AmazonProvidedIpv6CidrBlock: flag(inputs, "assignGeneratedIpv6CidrBlock"),
        InstanceTenancy: text(inputs, "instanceTenancy") as "default" | undefined,
        TagSpecifications: tagSpecification("vpc", allTags(here, inputs)),
      }),
    );
    const id = made.Vpc?.VpcId ?? "";
    await setDns(here, id, inputs);
    return { id };
  },
  async read(here, id, state) {
    const found = (await here.ec2.send(new DescribeVpcsCommand({ VpcIds: [id] }))).Vpcs?.[0];
    if (!found) return undefined;
    const attribute = (Attribute: "enableDnsSupport" | "enableDnsHostnames") =>
      here.ec2.send(new DescribeVpcAttributeCommand({ VpcId: id, Attribute }));
    const ipv6 = ipv6Block(found);
    const { tags, tagsAll } = readTags(here, found.Tags, state);
    return {
      inputs: {
        cidrBlock: found.CidrBlock,
        instanceTenancy: found.InstanceTenancy,
        enableDnsSupport: (await attribute("enableDnsSupport")).EnableDnsSupport?.Value,
        enableDnsHostnames: (await attribute("enableDnsHostnames")).EnableDnsHostnames?.Value,
        assignGeneratedIpv6CidrBlock:
          "assignGeneratedIpv6CidrBlock" in state ? ipv6 !== undefined : undefined,
        ipv6CidrBlock: ipv6?.Ipv6CidrBlock ?? "",
        tags,
      },
      outputs: {
        arn: `arn:${here.partition}:ec2:${here.region}:${found.OwnerId}:vpc/${id}`,
        dhcpOptionsId: found.DhcpOptionsId,
        ipv6AssociationId: ipv6?.AssociationId ?? "",
        ownerId: found.OwnerId,
        ...(await defaultsOfVpc(here, id)),
        tagsAll,
      },
    };
  },
  async update(here, id, inputs, change) {
    await updateEc2Tags(here, id, inputs, change);
    await setDns(here, id, inputs);
    if (change.changed.includes("assignGeneratedIpv6CidrBlock"))
      await switchVpcIpv6(here, id, inputs, change);
  },
  async delete(here, id) {
    await here.ec2.send(new DeleteVpcCommand({ VpcId: id }));
  },
};

/** The block that is associated, or about to be. */
function ipv6Block<B extends { Ipv6CidrBlockState?: { State?: string } }>(found: {
  Ipv6CidrBlockAssociationSet?: B[];
}) {
  return found.Ipv6CidrBlockAssociationSet?.find(
    (block) => !block.Ipv6CidrBlockState?.State?.startsWith("disassociat"),
  );
}

async function setDns(here: Regional, id: string, inputs: Props): Promise<void> {
  const support = flag(inputs, "enableDnsSupport");
  const hostnames = flag(inputs, "enableDnsHostnames");
  if (support !== undefined) {
    await here.ec2.send(new ModifyVpcAttributeCommand({ VpcId: id, EnableDnsSupport: { Value: support } }));
  }
  if (hostnames !== undefined) {
    await here.ec2.send(
      new ModifyVpcAttributeCommand({ VpcId: id, EnableDnsHostnames: { Value: hostnames } }),
    );
  }
}

async function switchVpcIpv6(here: Regional, id: string, inputs: Props, change: Change): Promise<void> {
  if (flag(inputs, "assignGeneratedIpv6CidrBlock")) {
    await here.ec2.send(new AssociateVpcCidrBlockCommand({ VpcId: id, AmazonProvidedIpv6CidrBlock: true }));
    return;
  }
  const AssociationId = text(change.state, "ipv6AssociationId");
  if (AssociationId) await here.ec2.send(new DisassociateVpcCidrBlockCommand({ AssociationId }));
}

/** A subnet of one availability zone. */
export const subnet: AwsKind = {
  label: "EC2 Subnet",
  inputs: [
    "assignIpv6AddressOnCreation",
    "availabilityZone",
    "cidrBlock",
    "ipv6CidrBlock",
    "mapPublicIpOnLaunch",
    "tags",
    "vpcId",
  ],
  required: ["vpcId", "cidrBlock"],
  defaults: { assignIpv6AddressOnCreation: false, mapPublicIpOnLaunch: false },
  replaceOn: ["availabilityZone", "cidrBlock", "vpcId"],
  chosen: ["availabilityZone"],
  outputs: ["arn", "availabilityZoneId", "ipv6CidrBlockAssociationId", "ownerId", "tagsAll"],
  touches: (changed) => (changed.includes("ipv6CidrBlock") ? ["ipv6CidrBlockAssociationId"] : []),
  async create(here, inputs) {
    const made = await here.ec2.send(
      new CreateSubnetCommand({
        VpcId: text(inputs, "vpcId"),
        CidrBlock: text(inputs, "cidrBlock"),
        Ipv6CidrBlock: text(inputs, "ipv6CidrBlock"),
        AvailabilityZone: text(inputs, "availabilityZone"),
        TagSpecifications: tagSpecification("subnet", allTags(here, inputs)),
      }),
    );
    const id = made.Subnet?.SubnetId ?? "";
    await setAddressing(here, id, inputs);
    return { id };
  },
  async read(here, id, state) {
    const found = (await here.ec2.send(new DescribeSubnetsCommand({ SubnetIds: [id] }))).Subnets?.[0];
    if (!found) return undefined;
    const ipv6 = found.Ipv6CidrBlockAssociationSet?.find(
      (block) => block.Ipv6CidrBlockState?.State === "associated",
    );
    const { tags, tagsAll } = readTags(here, found.Tags, state);
    return {
      inputs: {
        assignIpv6AddressOnCreation: found.AssignIpv6AddressOnCreation,
        availabilityZone: found.AvailabilityZone,
        cidrBlock: found.CidrBlock,
        ipv6CidrBlock: ipv6?.Ipv6CidrBlock,
        mapPublicIpOnLaunch: found.MapPublicIpOnLaunch,
        tags,
        vpcId: found.VpcId,
      },
      outputs: {
        arn: `arn:${here.partition}:ec2:${here.region}:${found.OwnerId}:subnet/${id}`,
        availabilityZoneId: found.AvailabilityZoneId,
        ipv6CidrBlockAssociationId: ipv6?.AssociationId ?? "",
        ownerId: found.OwnerId,
        tagsAll,
      },
    };
  },
  async update(here, id, inputs, change) {
    await updateEc2Tags(here, id, inputs, change);
    if (change.changed.includes("ipv6CidrBlock")) {
      const AssociationId = text(change.state, "ipv6CidrBlockAssociationId");
      if (AssociationId) await here.ec2.send(new DisassociateSubnetCidrBlockCommand({ AssociationId }));
      const Ipv6CidrBlock = text(inputs, "ipv6CidrBlock");
      if (Ipv6CidrBlock)
        await here.ec2.send(new AssociateSubnetCidrBlockCommand({ SubnetId: id, Ipv6CidrBlock }));
    }
    await setAddressing(here, id, inputs);
  },
  async delete(here, id) {
    await here.ec2.send(new DeleteSubnetCommand({ SubnetId: id }));
  },
};

/** EC2 takes one attribute per request. */
async function setAddressing(here: Regional, id: string, inputs: Props): Promise<void> {
  const MapPublicIpOnLaunch = { Value: flag(inputs, "mapPublicIpOnLaunch") };
  const AssignIpv6AddressOnCreation = { Value: flag(inputs, "assignIpv6AddressOnCreation") };
  await here.ec2.send(new ModifySubnetAttributeCommand({ SubnetId: id, MapPublicIpOnLaunch }));
  await here.ec2.send(new ModifySubnetAttributeCommand({ SubnetId: id, AssignIpv6AddressOnCreation }));
}

/** An internet gateway, attached to its VPC. */
export const internetGateway: AwsKind = {
  label: "EC2 Internet Gateway",
  inputs: ["vpcId", "tags"],
  chosen: ["vpcId"],
  outputs: ["arn", "ownerId", "tagsAll"],
  async create(here, inputs) {
    const tags = tagSpecification("internet-gateway", allTags(here, inputs));
    const made = await here.ec2.send(new CreateInternetGatewayCommand({ TagSpecifications: tags }));
    const id = made.InternetGateway?.InternetGatewayId ?? "";
    const VpcId = text(inputs, "vpcId");
    if (VpcId) await here.ec2.send(new AttachInternetGatewayCommand({ InternetGatewayId: id, VpcId }));
    return { id };
  },
  async read(here, id, state) {
    const command = new DescribeInternetGatewaysCommand({ InternetGatewayIds: [id] });
    const found = (await here.ec2.send(command)).InternetGateways?.[0];
    if (!found) return undefined;
    const { tags, tagsAll } = readTags(here, found.Tags, state);
    return {
      inputs: { vpcId: found.Attachments?.[0]?.VpcId, tags },
      outputs: {
        arn: `arn:${here.partition}:ec2:${here.region}:${found.OwnerId}:internet-gateway/${id}`,
        ownerId: found.OwnerId,
        tagsAll,
      },
    };
  },
  async update(here, id, inputs, change) {
    await updateEc2Tags(here, id, inputs, change);
    if (!change.changed.includes("vpcId")) return;
    await detach(here, id, text(change.oldInputs, "vpcId"));
    const VpcId = text(inputs, "vpcId");
    if (VpcId) await here.ec2.send(new AttachInternetGatewayCommand({ InternetGatewayId: id, VpcId }));
  },
  async delete(here, id, state) {
    await detach(here, id, text(state, "vpcId"));
    await here.ec2.send(new DeleteInternetGatewayCommand({ InternetGatewayId: id }));
  },
};

/** Also succeeds when it is detached already, as it is when a deletion is tried again. */
async function detach(here: Regional, id: string, VpcId: string | undefined): Promise<void> {
  if (!VpcId) return;
  try {
    await here.ec2.send(new DetachInternetGatewayCommand({ InternetGatewayId: id, VpcId }));
  } catch (error) {
    const detached = (error as { code?: string }).code === "Gateway.NotAttached";
    if (!detached && !isNotFound(error)) throw error;
  }
}
