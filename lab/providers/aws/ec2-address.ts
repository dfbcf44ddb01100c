import {
  AllocateAddressCommand,
  AssociateAddressCommand,
  DescribeAddressesCommand,
  DisassociateAddressCommand,
  ReleaseAddressCommand,
} from "@aws-sdk/client-ec2";
import { flag, text } from "../host";
import type { AwsKind } from "./kind";
import { allTags, readTags, tagSpecification, updateEc2Tags } from "./tags";

/**
 * An Elastic IP. What an association of its own resource changes (`associationId`, `instance`, `networkInterface`,
 * `privateIp`) is left out: a program that needs it asks the association.
 */
export const eip: AwsKind = {
  label: "EC2 EIP",
  inputs: ["domain", "tags"],
  replaceOn: ["domain"],
  chosen: ["domain"],
  outputs: ["allocationId", "arn", "publicDns", "publicIp", "tagsAll"],
  async create(here, inputs) {
    const tags = tagSpecification("elastic-ip", allTags(here, inputs));
    const made = await here.ec2.send(new AllocateAddressCommand({ Domain: "vpc", TagSpecifications: tags }));
    return { id: made.AllocationId ?? "" };
  },
  async read(here, id, state) {
    const found = await here.ec2.send(new DescribeAddressesCommand({ AllocationIds: [id] }));
    const address = found.Addresses?.[0];
    if (!address) return undefined;
    const { tags, tagsAll } = readTags(here, address.Tags, state);
    const dns = `ec2-${address.PublicIp?.replaceAll(".", "-")}`;
    return {
      inputs: { domain: address.Domain, tags },
      outputs: {
        allocationId: id,
        arn: `arn:${here.partition}:ec2:${here.region}::elastic-ip/${id}`,
        publicIp: address.PublicIp,
        publicDns: `${dns}.${here.region === "us-east-1" ? "compute-1" : `${here.region}.compute`}.amazonaws.com`,
        tagsAll,
      },
    };
  },
  update: updateEc2Tags,
  async delete(here, id) {
    await here.ec2.send(new ReleaseAddressCommand({ AllocationId: id }));
  },
};

/** The tie between an Elastic IP and an instance; another instance means another association. */
export const eipAssociation: AwsKind = {
  label: "EC2 EIP Association",
  inputs: [
    "allocationId",
    "allowReassociation",
    "instanceId",
    "networkInterfaceId",
    "privateIpAddress",
    "publicIp",
  ],
  chosen: ["allocationId", "instanceId", "networkInterfaceId", "privateIpAddress", "publicIp"],
  outputs: [],
  async create(here, inputs) {
    const made = await here.ec2.send(
      new AssociateAddressCommand({
        AllocationId: text(inputs, "allocationId"),
        InstanceId: text(inputs, "instanceId"),
        NetworkInterfaceId: text(inputs, "networkInterfaceId"),
        PrivateIpAddress: text(inputs, "privateIpAddress"),
        PublicIp: text(inputs, "publicIp"),
        AllowReassociation: flag(inputs, "allowReassociation"),
      }),
    );
    return { id: made.AssociationId ?? "" };
  },
  async read(here, id) {
    const filter = { Name: "association-id", Values: [id] };
    const found = await here.ec2.send(new DescribeAddressesCommand({ Filters: [filter] }));
    const address = found.Addresses?.[0];
    if (!address) return undefined;
    return {
      inputs: {
        allocationId: address.AllocationId,
        instanceId: address.InstanceId || undefined,
        networkInterfaceId: address.NetworkInterfaceId,
        privateIpAddress: address.PrivateIpAddress,
        publicIp: address.PublicIp,
      },
      outputs: {},
    };
  },
  async delete(here, id) {
    await here.ec2.send(new DisassociateAddressCommand({ AssociationId: id }));
  },
};
