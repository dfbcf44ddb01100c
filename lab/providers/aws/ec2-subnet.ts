import {
  AssociateSubnetCidrBlockCommand,
  CreateSubnetCommand,
  DeleteSubnetCommand,
  DescribeSubnetsCommand,
  DisassociateSubnetCidrBlockCommand,
  ModifySubnetAttributeCommand,
} from "@aws-sdk/client-ec2";
import { flag, text, type Props } from "../host";
import { type Regional } from "./context";
import { type AwsKind } from "./kind";
import { allTags, readTags, tagSpecification, updateEc2Tags } from "./tags";

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
