import {
  AssignIpv6AddressesCommand,
  AssociateIamInstanceProfileCommand,
  CreateTagsCommand,
  DescribeIamInstanceProfileAssociationsCommand,
  DisassociateIamInstanceProfileCommand,
  ModifyInstanceAttributeCommand,
  ModifyInstanceMetadataOptionsCommand,
  ModifyVolumeCommand,
  MonitorInstancesCommand,
  ReplaceIamInstanceProfileAssociationCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  UnassignIpv6AddressesCommand,
  UnmonitorInstancesCommand,
} from "@aws-sdk/client-ec2";
import { flag, number, object, text, texts, type Change, type Props } from "../host";
import type { Regional } from "./context";
import { metadataRequest } from "./ec2-instance-launch";
import { describe, rootVolume } from "./ec2-instance-read";
import { waitFor } from "./kind";
import { ownTags, tagList, updateEc2Tags } from "./tags";

/** Applies what can change in place; user data and type need a stop and a start. */
export async function updateInstance(
  here: Regional,
  id: string,
  inputs: Props,
  change: Change,
): Promise<void> {
  const steps: Record<string, () => Promise<void>> = {
    vpcSecurityGroupIds: () => modify(here, id, { Groups: texts(inputs, "vpcSecurityGroupIds") }),
    sourceDestCheck: () => modify(here, id, { SourceDestCheck: { Value: flag(inputs, "sourceDestCheck") } }),
    metadataOptions: async () => {
      const options = metadataRequest(object(inputs, "metadataOptions"));
      await here.ec2.send(new ModifyInstanceMetadataOptionsCommand({ InstanceId: id, ...options }));
    },
    iamInstanceProfile: () => updateProfile(here, id, text(inputs, "iamInstanceProfile")),
    monitoring: async () => {
      const request = { InstanceIds: [id] };
      if (flag(inputs, "monitoring")) await here.ec2.send(new MonitorInstancesCommand(request));
      else await here.ec2.send(new UnmonitorInstancesCommand(request));
    },
    ipv6AddressCount: () => updateIpv6(here, id, number(inputs, "ipv6AddressCount") ?? 0),
    rootBlockDevice: () => updateVolume(here, id, object(inputs, "rootBlockDevice")),
    volumeTags: () => tagVolume(here, id, inputs),
  };
  await updateEc2Tags(here, id, inputs, change);
  for (const key of change.changed) await steps[key]?.();
  await whileStopped(here, id, inputs, change.changed);
}

async function modify(here: Regional, id: string, what: object): Promise<void> {
  await here.ec2.send(new ModifyInstanceAttributeCommand({ InstanceId: id, ...what }));
}

async function whileStopped(
  here: Regional,
  id: string,
  inputs: Props,
  changed: readonly string[],
): Promise<void> {
  if (!changed.includes("userData") && !changed.includes("instanceType")) return;
  const stateIs = (name: string) => async () => (await describe(here, id))?.State?.Name === name;
  const wasRunning = await stateIs("running")();
  await here.ec2.send(new StopInstancesCommand({ InstanceIds: [id] }));
  await waitFor(here, `EC2 Instance (${id}) stop`, stateIs("stopped"));
  if (changed.includes("instanceType"))
    await modify(here, id, { InstanceType: { Value: text(inputs, "instanceType") } });
  if (changed.includes("userData")) {
    await modify(here, id, { UserData: { Value: Buffer.from(text(inputs, "userData") ?? "") } });
  }
  if (!wasRunning) return;
  await here.ec2.send(new StartInstancesCommand({ InstanceIds: [id] }));
  await waitFor(here, `EC2 Instance (${id}) start`, stateIs("running"));
}

async function updateProfile(here: Regional, id: string, profile: string | undefined): Promise<void> {
  const Filters = [{ Name: "instance-id", Values: [id] }];
  const found = await here.ec2.send(new DescribeIamInstanceProfileAssociationsCommand({ Filters }));
  const current = found.IamInstanceProfileAssociations?.[0]?.AssociationId;
  const IamInstanceProfile = { Name: profile };
  if (!profile) {
    if (current) await here.ec2.send(new DisassociateIamInstanceProfileCommand({ AssociationId: current }));
  } else if (current) {
    const request = { AssociationId: current, IamInstanceProfile };
    await here.ec2.send(new ReplaceIamInstanceProfileAssociationCommand(request));
  } else {
    await here.ec2.send(new AssociateIamInstanceProfileCommand({ InstanceId: id, IamInstanceProfile }));
  }
}

async function updateIpv6(here: Regional, id: string, count: number): Promise<void> {
  const nic = (await describe(here, id))?.NetworkInterfaces?.[0];
  const NetworkInterfaceId = nic?.NetworkInterfaceId;
  const has = (nic?.Ipv6Addresses ?? []).map((address) => address.Ipv6Address ?? "");
  if (count > has.length) {
    const request = { NetworkInterfaceId, Ipv6AddressCount: count - has.length };
    await here.ec2.send(new AssignIpv6AddressesCommand(request));
  } else if (count < has.length) {
    const request = { NetworkInterfaceId, Ipv6Addresses: has.slice(count) };
    await here.ec2.send(new UnassignIpv6AddressesCommand(request));
  }
}

async function updateVolume(here: Regional, id: string, root: Props): Promise<void> {
  const found = await describe(here, id);
  const volume = found && (await rootVolume(here, found));
  await here.ec2.send(
    new ModifyVolumeCommand({
      VolumeId: volume?.VolumeId,
      Size: number(root, "volumeSize"),
      VolumeType: text(root, "volumeType") as "gp3" | undefined,
      Iops: number(root, "iops"),
      Throughput: number(root, "throughput"),
    }),
  );
}

async function tagVolume(here: Regional, id: string, inputs: Props): Promise<void> {
  const found = await describe(here, id);
  const volume = found && (await rootVolume(here, found));
  const Tags = tagList(ownTags(inputs, "volumeTags"));
  if (volume?.VolumeId && Tags.length > 0) {
    await here.ec2.send(new CreateTagsCommand({ Resources: [volume.VolumeId], Tags }));
  }
}
