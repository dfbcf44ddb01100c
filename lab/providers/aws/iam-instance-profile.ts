import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  DeleteInstanceProfileCommand,
  GetInstanceProfileCommand,
  RemoveRoleFromInstanceProfileCommand,
  TagInstanceProfileCommand,
  UntagInstanceProfileCommand,
} from "@aws-sdk/client-iam";
import { text } from "../host";
import { type AwsKind } from "./kind";
import { allTags, readTags, tagChanges, tagList } from "./tags";

/** What lends a role to an instance. */
export const instanceProfile: AwsKind = {
  label: "IAM Instance Profile",
  inputs: ["name", "path", "role", "tags"],
  defaults: { path: "/" },
  autoname: "name",
  replaceOn: ["name", "path"],
  outputs: ["arn", "createDate", "tagsAll", "uniqueId"],
  async create(here, inputs) {
    const InstanceProfileName = text(inputs, "name");
    const Tags = tagList(allTags(here, inputs));
    const Path = text(inputs, "path");
    await here.iam.send(new CreateInstanceProfileCommand({ InstanceProfileName, Path, Tags }));
    const RoleName = text(inputs, "role");
    if (RoleName) await here.iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName, RoleName }));
    return { id: InstanceProfileName ?? "" };
  },
  async read(here, id, state) {
    const request = new GetInstanceProfileCommand({ InstanceProfileName: id });
    const found = (await here.iam.send(request)).InstanceProfile;
    if (!found) return undefined;
    const { tags, tagsAll } = readTags(here, found.Tags, state);
    return {
      inputs: { name: found.InstanceProfileName, path: found.Path, role: found.Roles?.[0]?.RoleName, tags },
      outputs: {
        arn: found.Arn,
        createDate: found.CreateDate?.toISOString(),
        tagsAll,
        uniqueId: found.InstanceProfileId,
      },
    };
  },
  async update(here, id, inputs, change) {
    const InstanceProfileName = id;
    if (change.changed.includes("role")) {
      const [before, after] = [text(change.oldInputs, "role"), text(inputs, "role")];
      const pair = (RoleName: string) => ({ InstanceProfileName, RoleName });
      if (before) await here.iam.send(new RemoveRoleFromInstanceProfileCommand(pair(before)));
      if (after) await here.iam.send(new AddRoleToInstanceProfileCommand(pair(after)));
    }
    const { add, remove } = tagChanges(here, inputs, change);
    if (remove.length > 0) {
      await here.iam.send(new UntagInstanceProfileCommand({ InstanceProfileName, TagKeys: remove }));
    }
    if (Object.keys(add).length > 0) {
      await here.iam.send(new TagInstanceProfileCommand({ InstanceProfileName, Tags: tagList(add) }));
    }
  },
  async delete(here, id, state) {
    const InstanceProfileName = id;
    const RoleName = text(state, "role");
    if (RoleName) {
      const request = { InstanceProfileName, RoleName };
      await here.iam.send(new RemoveRoleFromInstanceProfileCommand(request)).catch(() => undefined);
    }
    await here.iam.send(new DeleteInstanceProfileCommand({ InstanceProfileName }));
  },
};
