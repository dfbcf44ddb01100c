import { isObject, object, text, texts, type Props, type Value } from "../host";
import type { Aws, Regional } from "./context";

/** A function (data source) of one region. */
export type Lookup = (here: Regional, args: Props) => Promise<Record<string, Value | undefined>>;

/** Gives a lookup its region and the real provider's frame around an error. */
export function awsLookup(token: string, lookup: Lookup) {
  return async (aws: Aws, args: Props): Promise<Record<string, Value | undefined>> => {
    try {
      const here = aws.in(text(args, "region"));
      return { ...args, region: here.region, ...(await lookup(here, args)) };
    } catch (error) {
      throw new Error(`invoking ${token}: 1 error occurred:\n\t* ${(error as Error).message}`);
    }
  };
}

/** The only element. @throws in the real provider's words when there is none, or more than one */
export function single<T>(found: T[] | undefined, what: string): T {
  const [first, second] = found ?? [];
  if (first === undefined) throw new Error(`no matching ${what} found`);
  if (second === undefined) return first;
  throw new Error(
    `multiple ${what}s matched; use additional constraints to reduce matches to a single ${what}`,
  );
}

/** EC2's filters: the `filters` argument, `tags`, and arguments that are filters by another name. */
export function filtersOf(args: Props, named: Record<string, Value | undefined> = {}) {
  const given = Array.isArray(args["filters"]) ? args["filters"].filter(isObject) : [];
  const filters = [
    ...given.map((filter) => ({ Name: text(filter, "name") ?? "", Values: texts(filter, "values") })),
    ...Object.entries(object(args, "tags")).map(([key, value]) => ({
      Name: `tag:${key}`,
      Values: [String(value)],
    })),
    ...Object.entries(named)
      .filter(([, value]) => value !== undefined)
      .map(([Name, value]) => ({ Name, Values: [String(value)] })),
  ];
  return filters.length > 0 ? filters : undefined;
}

/** A list of tags as an object. */
export function tagsObject(tags: { Key?: string; Value?: string }[] | undefined): Props {
  return Object.fromEntries((tags ?? []).map((tag) => [tag.Key ?? "", tag.Value ?? ""]));
}
