import {
  AttachRolePolicyCommand,
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  DetachRolePolicyCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  ListAttachedRolePoliciesCommand,
  PutRolePolicyCommand,
  TagRoleCommand,
  UntagRoleCommand,
  UpdateAssumeRolePolicyCommand,
  UpdateRoleCommand,
} from "@aws-sdk/client-iam";
import { equalAsJson, number, text } from "../host";
import { type AwsKind } from "./kind";
import { allTags, readTags, tagChanges, tagList } from "./tags";

/** A role without inline policies: policies and attachments are resources of their own. */
export const role: AwsKind = {
  label: "IAM Role",
  inputs: [
    "assumeRolePolicy",
    "description",
    "maxSessionDuration",
    "name",
    "path",
    "permissionsBoundary",
    "tags",
  ],
  required: ["assumeRolePolicy"],
  defaults: { maxSessionDuration: 3600, path: "/" },
  autoname: "name",
  replaceOn: ["name", "path", "permissionsBoundary"],
  outputs: ["arn", "createDate", "tagsAll", "uniqueId"],
  same: { assumeRolePolicy: equalAsJson },
  async create(here, inputs) {
    const made = await here.iam.send(
      new CreateRoleCommand({
        RoleName: text(inputs, "name"),
        AssumeRolePolicyDocument: text(inputs, "assumeRolePolicy"),
        Description: text(inputs, "description"),
        MaxSessionDuration: number(inputs, "maxSessionDuration"),
        Path: text(inputs, "path"),
        PermissionsBoundary: text(inputs, "permissionsBoundary"),
        Tags: tagList(allTags(here, inputs)),
      }),
    );
    return { id: made.Role?.RoleName ?? "" };
  },
  async read(here, id, state) {
    const found = (await here.iam.send(new GetRoleCommand({ RoleName: id }))).Role;
    if (!found) return undefined;
    const { tags, tagsAll } = readTags(here, found.Tags, state);
    return {
      inputs: {
        assumeRolePolicy: decodeURIComponent(found.AssumeRolePolicyDocument ?? ""),
        description: found.Description || undefined,
        maxSessionDuration: found.MaxSessionDuration,
        name: found.RoleName,
        path: found.Path,
        permissionsBoundary: found.PermissionsBoundary?.PermissionsBoundaryArn,
        tags,
      },
      outputs: {
        arn: found.Arn,
        createDate: found.CreateDate?.toISOString(),
        tagsAll,
        uniqueId: found.RoleId,
      },
    };
  },
  async update(here, id, inputs, change) {
    const RoleName = id;
    if (change.changed.includes("assumeRolePolicy")) {
      const PolicyDocument = text(inputs, "assumeRolePolicy");
      await here.iam.send(new UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument }));
    }
    if (change.changed.includes("description") || change.changed.includes("maxSessionDuration")) {
      const Description = text(inputs, "description") ?? "";
      const MaxSessionDuration = number(inputs, "maxSessionDuration");
      await here.iam.send(new UpdateRoleCommand({ RoleName, Description, MaxSessionDuration }));
    }
    const { add, remove } = tagChanges(here, inputs, change);
    if (remove.length > 0) await here.iam.send(new UntagRoleCommand({ RoleName, TagKeys: remove }));
    if (Object.keys(add).length > 0)
      await here.iam.send(new TagRoleCommand({ RoleName, Tags: tagList(add) }));
  },
  async delete(here, id) {
    await here.iam.send(new DeleteRoleCommand({ RoleName: id }));
  },
};

/** An inline policy of a role; its id is `role:name`. */
export const rolePolicy: AwsKind = {
  label: "IAM Role Policy",
  inputs: ["name", "policy", "role"],
  required: ["policy", "role"],
  autoname: "name",
  replaceOn: ["name", "role"],
  outputs: [],
  same: { policy: equalAsJson },
  async create(here, inputs) {
    const [RoleName, PolicyName] = [text(inputs, "role") ?? "", text(inputs, "name") ?? ""];
    const PolicyDocument = text(inputs, "policy");
    await here.iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument }));
    return { id: `${RoleName}:${PolicyName}` };
  },
  async read(here, id) {
    const found = await here.iam.send(new GetRolePolicyCommand(rolePolicyNames(id)));
    return {
      inputs: {
        name: found.PolicyName,
        role: found.RoleName,
        policy: decodeURIComponent(found.PolicyDocument ?? ""),
      },
      outputs: {},
    };
  },
  async update(here, id, inputs) {
    const PolicyDocument = text(inputs, "policy");
    await here.iam.send(new PutRolePolicyCommand({ ...rolePolicyNames(id), PolicyDocument }));
  },
  async delete(here, id) {
    await here.iam.send(new DeleteRolePolicyCommand(rolePolicyNames(id)));
  },
};

function rolePolicyNames(id: string): { RoleName: string; PolicyName: string } {
  const [RoleName = "", PolicyName = ""] = id.split(":");
  return { RoleName, PolicyName };
}

/** A managed policy on a role. */
export const rolePolicyAttachment: AwsKind = {
  label: "IAM Role Policy Attachment",
  inputs: ["policyArn", "role"],
  required: ["policyArn", "role"],
  outputs: [],
  async create(here, inputs) {
    const [RoleName, PolicyArn] = [text(inputs, "role") ?? "", text(inputs, "policyArn") ?? ""];
    await here.iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn }));
    return { id: `${RoleName}/${PolicyArn}` };
  },
  async read(here, id) {
    const { RoleName, PolicyArn } = attachmentNames(id);
    const found = await here.iam.send(new ListAttachedRolePoliciesCommand({ RoleName }));
    const attached = found.AttachedPolicies?.some((policy) => policy.PolicyArn === PolicyArn);
    return attached ? { inputs: { policyArn: PolicyArn, role: RoleName }, outputs: {} } : undefined;
  },
  async delete(here, id) {
    await here.iam.send(new DetachRolePolicyCommand(attachmentNames(id)));
  },
};

function attachmentNames(id: string): { RoleName: string; PolicyArn: string } {
  const slash = id.indexOf("/");
  return { RoleName: id.slice(0, slash), PolicyArn: id.slice(slash + 1) };
}
