import {
  AttachInternetGatewayCommand,
  CreateInternetGatewayCommand,
  DeleteInternetGatewayCommand,
  DescribeInternetGatewaysCommand,
  DetachInternetGatewayCommand,
} from "@aws-sdk/client-ec2";
import { text } from "../host";
import { isNotFound } from "./api-error";
import { type Regional } from "./context";
import { type AwsKind } from "./kind";
import { allTags, readTags, tagSpecification, updateEc2Tags } from "./tags";

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
