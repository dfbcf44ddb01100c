/** A property value as the engine sends it, secrets already unwrapped. */
export type Value = null | boolean | number | string | Value[] | { [key: string]: Value };

/** A resource's inputs or state. */
export type Props = Record<string, Value>;

/** What stands for a value that only an update can tell (Pulumi's `plugin.UnknownStringValue`). */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Marks an object as a secret's envelope (Pulumi's `resource.SigKey` and `resource.SecretSig`). */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

export function isObject(value: Value | undefined): value is Props {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether an unknown lies anywhere inside. */
export function hasUnknown(value: Value | undefined): boolean {
  if (value === UNKNOWN) return true;
  if (Array.isArray(value)) return value.some(hasUnknown);
  return isObject(value) && Object.values(value).some(hasUnknown);
}

/** The value without secret envelopes, and without properties that are null: the engine sends both. */
export function plain(value: Value): Value {
  if (Array.isArray(value)) return value.map(plain);
  if (!isObject(value)) return value;
  if (value[SIGNATURE] === SECRET) return plain(value["value"] ?? null);
  return compact(value);
}

/** The properties that have a value, plain all the way down. */
export function compact(props: Record<string, Value | undefined>): Props {
  const result: Props = {};
  for (const [key, value] of Object.entries(props)) {
    if (value !== undefined && value !== null) result[key] = plain(value);
  }
  return result;
}

/** Structural equality; the order of object keys does not count, the order of lists does. */
export function equal(a: Value | undefined, b: Value | undefined): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, i) => equal(item, b[i]));
  if (isObject(a) && isObject(b)) {
    return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) => equal(a[key], b[key]));
  }
  return (a ?? null) === (b ?? null);
}

/** Equality of two lists of strings as sets. */
export function equalAsSets(a: Value | undefined, b: Value | undefined): boolean {
  const sorted = (value: Value | undefined) => (Array.isArray(value) ? value.map(String).sort() : []);
  return equal(sorted(a), sorted(b));
}

/** Equality of two JSON texts, formatting aside; of the texts themselves when either is not JSON. */
export function equalAsJson(a: Value | undefined, b: Value | undefined): boolean {
  try {
    return equal(JSON.parse(String(a)) as Value, JSON.parse(String(b)) as Value);
  } catch {
    return equal(a, b);
  }
}

/** The string at `key`, or undefined when it is missing or of another type. */
export function text(props: Props, key: string): string | undefined {
  const value = props[key];
  return typeof value === "string" ? value : undefined;
}

/** The number at `key`, or undefined when it is missing or of another type. */
export function number(props: Props, key: string): number | undefined {
  const value = props[key];
  return typeof value === "number" ? value : undefined;
}

/** The boolean at `key`, or undefined when it is missing or of another type. */
export function flag(props: Props, key: string): boolean | undefined {
  const value = props[key];
  return typeof value === "boolean" ? value : undefined;
}

/** The strings in the list at `key`; empty when there is none. */
export function texts(props: Props, key: string): string[] {
  const value = props[key];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** The object at `key`; empty when there is none. */
export function object(props: Props, key: string): Props {
  const value = props[key];
  return isObject(value) ? value : {};
}
