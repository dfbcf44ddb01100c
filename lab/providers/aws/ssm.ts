import {
  AddTagsToResourceCommand,
  DeleteParameterCommand,
  DescribeParametersCommand,
  GetParameterCommand,
  ListTagsForResourceCommand,
  PutParameterCommand,
  RemoveTagsFromResourceCommand,
  type ParameterType,
} from "@aws-sdk/client-ssm";
import { flag, text, type Props } from "../host";
import type { AwsKind } from "./kind";
import { allTags, readTags, tagChanges, tagList } from "./tags";

/** A parameter; `value` is a secret in Pulumi whatever the type. */
export const parameter: AwsKind = {
  label: "SSM Parameter",
  inputs: [
    "allowedPattern",
    "dataType",
    "description",
    "insecureValue",
    "keyId",
    "name",
    "overwrite",
    "tags",
    "tier",
    "type",
    "value",
  ],
  required: ["type"],
  autoname: "name",
  replaceOn: ["dataType", "name"],
  chosen: ["dataType", "keyId", "tier"],
  outputs: ["arn", "tagsAll", "version"],
  validate(inputs) {
    if ("value" in inputs !== "insecureValue" in inputs) return [];
    return [{ property: "value", reason: 'one of "value", "insecureValue" must be specified' }];
  },
  touches: (changed) => (changed.every((key) => key === "tags") ? [] : ["version"]),
  async create(here, inputs) {
    const tags = tagList(allTags(here, inputs));
    const overwrite = flag(inputs, "overwrite");
    await here.ssm.send(
      new PutParameterCommand({
        ...request(inputs),
        Overwrite: overwrite,
        Tags: overwrite ? undefined : tags,
      }),
    );
    return { id: text(inputs, "name") ?? "" };
  },
  async read(here, id, state) {
    const found = (await here.ssm.send(new GetParameterCommand({ Name: id, WithDecryption: true })))
      .Parameter;
    if (!found) return undefined;
    const filter = { Key: "Name", Option: "Equals", Values: [id] };
    const described = await here.ssm.send(new DescribeParametersCommand({ ParameterFilters: [filter] }));
    const more = described.Parameters?.[0];
    const tagged = await here.ssm.send(
      new ListTagsForResourceCommand({ ResourceType: "Parameter", ResourceId: id }),
    );
    const { tags, tagsAll } = readTags(here, tagged.TagList, state);
    return {
      inputs: {
        allowedPattern: more?.AllowedPattern,
        dataType: found.DataType,
        description: more?.Description,
        keyId: more?.KeyId,
        name: found.Name,
        tags,
        tier: more?.Tier,
        type: found.Type,
        [text(state, "insecureValue") === undefined ? "value" : "insecureValue"]: found.Value,
      },
      outputs: { arn: found.ARN, tagsAll, version: found.Version },
    };
  },
  async update(here, id, inputs, change) {
    if (change.changed.some((key) => key !== "tags")) {
      await here.ssm.send(new PutParameterCommand({ ...request(inputs), Overwrite: true }));
    }
    const { add, remove } = tagChanges(here, inputs, change);
    const what = { ResourceType: "Parameter" as const, ResourceId: id };
    if (remove.length > 0)
      await here.ssm.send(new RemoveTagsFromResourceCommand({ ...what, TagKeys: remove }));
    if (Object.keys(add).length > 0) {
      await here.ssm.send(new AddTagsToResourceCommand({ ...what, Tags: tagList(add) }));
    }
  },
  async delete(here, id) {
    await here.ssm.send(new DeleteParameterCommand({ Name: id }));
  },
};

function request(inputs: Props) {
  return {
    Name: text(inputs, "name"),
    Value: text(inputs, "value") ?? text(inputs, "insecureValue"),
    Type: text(inputs, "type") as ParameterType,
    Description: text(inputs, "description"),
    KeyId: text(inputs, "keyId"),
    Tier: text(inputs, "tier") as "Standard" | undefined,
    DataType: text(inputs, "dataType"),
    AllowedPattern: text(inputs, "allowedPattern"),
  };
}
