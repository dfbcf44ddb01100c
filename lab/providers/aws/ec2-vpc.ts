import {
  AssociateVpcCidrBlockCommand,
  CreateVpcCommand,
  DeleteVpcCommand,
  DescribeVpcAttributeCommand,
  DescribeVpcsCommand,
  DisassociateVpcCidrBlockCommand,
  ModifyVpcAttributeCommand,
} from "@aws-sdk/client-ec2";
import { flag, text, type Change, type Props } from "../host";
import { type Regional } from "./context";
import { type AwsKind } from "./kind";
import { allTags, readTags, tagSpecification, updateEc2Tags } from "./tags";
import { defaultsOfVpc } from "./vpc-defaults";
import { ipv6Block } from "./ipv6-block";

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
