import {
  CreateTagsCommand,
  DeleteTagsCommand,
  type ResourceType,
  type TagSpecification,
} from "@aws-sdk/client-ec2";
import { object, type Change, type Props } from "../host";
import type { Regional } from "./context";

/** A tag as all services have it. */
export interface Tag {
  Key?: string;
  Value?: string;
}

/** The tags in an input, without the provider's default tags. */
export function ownTags(inputs: Props, key = "tags"): Record<string, string> {
  return Object.fromEntries(
    Object.entries(object(inputs, key)).map(([name, value]) => [name, String(value)]),
  );
}

/** A resource's own tags over the provider's default tags. */
export function allTags(here: Regional, inputs: Props): Record<string, string> {
  return { ...here.defaultTags, ...ownTags(inputs) };
}

/** Tags in the form that IAM and SSM take. */
export function tagList(tags: Record<string, string>): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

/** Tags in the form that EC2 takes on creation; undefined when there are none, which EC2 wants left out. */
export function tagSpecification(
  type: ResourceType,
  tags: Record<string, string>,
): TagSpecification[] | undefined {
  return Object.keys(tags).length === 0 ? undefined : [{ ResourceType: type, Tags: tagList(tags) }];
}

/** `tags` and `tagsAll` of a resource: default tags are no tags of its own unless it sets them too. */
export function readTags(
  here: Regional,
  found: Tag[] | undefined,
  state: Props,
): { tags?: Props; tagsAll: Props } {
  const tagsAll = Object.fromEntries(
    (found ?? [])
      .filter((tag) => !tag.Key?.startsWith("aws:"))
      .map((tag) => [tag.Key ?? "", tag.Value ?? ""]),
  );
  const known = object(state, "tags");
  const own = Object.entries(tagsAll).filter(
    ([key, value]) => key in known || here.defaultTags[key] !== value,
  );
  const given = own.length > 0 || "tags" in state;
  return { tags: given ? Object.fromEntries(own) : undefined, tagsAll };
}

/** What an update of tags has to add and to remove. */
export function tagChanges(
  here: Regional,
  inputs: Props,
  change: Change,
): { add: Record<string, string>; remove: string[] } {
  const before = allTags(here, change.oldInputs);
  const after = allTags(here, inputs);
  const add = Object.entries(after).filter(([key, value]) => before[key] !== value);
  return { add: Object.fromEntries(add), remove: Object.keys(before).filter((key) => !(key in after)) };
}

/** Brings an EC2 resource's tags up to date when they changed. */
export async function updateEc2Tags(
  here: Regional,
  id: string,
  inputs: Props,
  change: Change,
): Promise<void> {
  if (!change.changed.includes("tags")) return;
  const { add, remove } = tagChanges(here, inputs, change);
  if (remove.length > 0) {
    await here.ec2.send(new DeleteTagsCommand({ Resources: [id], Tags: remove.map((Key) => ({ Key })) }));
  }
  if (Object.keys(add).length > 0) {
    await here.ec2.send(new CreateTagsCommand({ Resources: [id], Tags: tagList(add) }));
  }
}
