import { RunInstancesCommand, TerminateInstancesCommand } from "@aws-sdk/client-ec2";
import { equalAsSets, flag, hasUnknown } from "../host";
import { launchRequest } from "./ec2-instance-launch";
import { describe, liveInputs, liveOutputs, liveVolume, rootVolume } from "./ec2-instance-read";
import { updateInstance } from "./ec2-instance-update";
import { waitFor, type AwsKind } from "./kind";
import { readTags } from "./tags";

const USER_DATA_LIMIT = 16384;

/** A virtual machine. Known are the arguments that a relay may need; others are refused at preview. */
export const instance: AwsKind = {
  label: "EC2 Instance",
  inputs: [
    "ami",
    "associatePublicIpAddress",
    "availabilityZone",
    "iamInstanceProfile",
    "instanceType",
    "ipv6AddressCount",
    "keyName",
    "metadataOptions",
    "monitoring",
    "privateIp",
    "rootBlockDevice",
    "sourceDestCheck",
    "subnetId",
    "tags",
    "userData",
    "userDataReplaceOnChange",
    "volumeTags",
    "vpcSecurityGroupIds",
  ],
  required: ["ami", "instanceType"],
  defaults: { userDataReplaceOnChange: false },
  replaceOn: [
    "ami",
    "associatePublicIpAddress",
    "availabilityZone",
    "keyName",
    "privateIp",
    "rootBlockDevice.encrypted",
    "rootBlockDevice.kmsKeyId",
    "subnetId",
  ],
  chosen: [
    "associatePublicIpAddress",
    "availabilityZone",
    "iamInstanceProfile",
    "ipv6AddressCount",
    "keyName",
    "metadataOptions",
    "monitoring",
    "privateIp",
    "rootBlockDevice",
    "sourceDestCheck",
    "subnetId",
    "vpcSecurityGroupIds",
  ],
  outputs: [
    "arn",
    "instanceState",
    "ipv6Addresses",
    "primaryNetworkInterfaceId",
    "privateDns",
    "publicDns",
    "publicIp",
    "tagsAll",
  ],
  same: { vpcSecurityGroupIds: equalAsSets },
  validate(inputs) {
    const data = inputs["userData"];
    const bytes = typeof data === "string" && !hasUnknown(data) ? Buffer.byteLength(data) : 0;
    if (bytes <= USER_DATA_LIMIT) return [];
    const reason = `expected length of userData to be in the range (0 - ${USER_DATA_LIMIT}), got ${bytes}`;
    return [{ property: "userData", reason }];
  },
  replaces: (_state, inputs, changed) =>
    changed.includes("userData") && flag(inputs, "userDataReplaceOnChange") ? ["userData"] : [],
  // Both need a stop, and a stop gives back the public address that AWS lent.
  touches: (changed) =>
    changed.includes("userData") || changed.includes("instanceType") ? ["publicIp", "publicDns"] : [],
  async create(here, inputs) {
    const made = await here.ec2.send(new RunInstancesCommand(await launchRequest(here, inputs)));
    const id = made.Instances?.[0]?.InstanceId ?? "";
    await waitFor(
      here,
      `EC2 Instance (${id}) create`,
      async () => (await describe(here, id))?.State?.Name === "running",
    );
    return { id };
  },
  async read(here, id, state) {
    const found = await describe(here, id);
    if (!found || ["shutting-down", "terminated"].includes(found.State?.Name ?? "")) return undefined;
    const volume = await rootVolume(here, found);
    const { tags, tagsAll } = readTags(here, found.Tags, state);
    return {
      inputs: { ...(await liveInputs(here, found, state)), ...liveVolume(volume, state), tags },
      outputs: { ...liveOutputs(here, found), tagsAll },
    };
  },
  update: updateInstance,
  async delete(here, id) {
    await here.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
    const gone = async () => ["terminated", undefined].includes((await describe(here, id))?.State?.Name);
    await waitFor(here, `EC2 Instance (${id}) delete`, gone);
  },
};
