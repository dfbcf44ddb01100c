import { ApiError, tagsNotPermitted } from "./api-error";
import type { Credentials, Principal } from "./auth";
import type { Device, Devices } from "./devices";
import type { AuthKey, AuthKeys } from "./keys";
import { requireScope } from "./auth";
import { requireTags } from "./tags";

/** What a node says to the control server on `tailscale up`. */
export interface Registration {
  hostname: string;
  /**
   * `--auth-key`: `tskey-auth-...`, or an OAuth client's secret `tskey-client-...` with attributes such as
   * `?ephemeral=false&preauthorized=true` behind it.
   */
  authKey?: string;
  /** `--client-id` (with the same attributes) and `--audience`; `subject` is who the cloud says the machine is. */
  workloadIdentity?: { clientId: string; audience: string; subject: string };
  /** `--advertise-tags`. */
  tags?: string[];
  /** @default "1.102.3" */
  clientVersion?: string;
  /** @default "linux" */
  os?: string;
}

/** The control server's answer to a node it does not let in, in its words; never holds the key. */
export class RegistrationError extends Error {}

export interface RegistrationContext {
  credentials: Credentials;
  keys: AuthKeys;
  devices: Devices;
  tagOwners(): Readonly<Record<string, readonly string[]>>;
  /** Whether new devices wait for an admin's approval unless their key is preauthorized. */
  approvalOn(): boolean;
}

/**
 * Lets a node in, as the control server does, and marks the device connected.
 * @throws RegistrationError
 */
export function register(r: Registration, context: RegistrationContext): Device {
  try {
    const key = keyFor(r, context);
    const tags = tagsFor(r.tags ?? [], key, context);
    key.uses++;
    return context.devices.add({
      hostname: r.hostname,
      user: key.owner,
      tags,
      authorized: key.rights.preauthorized || !context.approvalOn(),
      ephemeral: key.rights.ephemeral,
      clientVersion: r.clientVersion ?? "1.102.3",
      os: r.os ?? "linux",
    });
  } catch (error) {
    throw error instanceof ApiError ? new RegistrationError(error.message) : error;
  }
}

function keyFor(r: Registration, context: RegistrationContext): AuthKey {
  if (r.workloadIdentity) return keyByIdentity(r, context);
  const authKey = r.authKey ?? "";
  if (authKey.startsWith("tskey-client-")) return keyByClientSecret(authKey, r.tags ?? [], context);
  const key = context.keys.bySecretText(authKey);
  if (!key) throw new RegistrationError("invalid key: API key does not exist");
  if (context.keys.isInvalid(key)) throw new RegistrationError(`invalid key: API key ${key.id} not valid`);
  return key;
}

/** What tailscale does with an OAuth secret: makes itself a key (feature/oauthkey in its source). */
function keyByClientSecret(authKey: string, tags: string[], context: RegistrationContext): AuthKey {
  const [secret = "", query] = splitOnce(authKey, "?");
  const attributes = readAttributes(query, { ephemeral: true, preauthorized: false });
  if (tags.length === 0) throw new RegistrationError("oauth authkeys require --advertise-tags");
  const who = context.credentials.principalBySecret(secret);
  if (!who) throw new RegistrationError("API token invalid");
  return mintFor(who, tags, attributes, context);
}

/** What tailscale does with a workload identity (feature/identityfederation in its source). */
function keyByIdentity(r: Registration, context: RegistrationContext): AuthKey {
  const { clientId, audience, subject } = r.workloadIdentity!;
  const [id = "", query] = splitOnce(clientId, "?");
  // Without attributes a federated device is ephemeral, with any attribute it is not unless it says so.
  const attributes = readAttributes(query, { ephemeral: query === undefined, preauthorized: false });
  if (!r.tags?.length) throw new RegistrationError("federated identity authkeys require --advertise-tags");
  const who = context.credentials.principalByIdentity(id, audience, subject);
  if (!who) throw new RegistrationError("token exchange failed: 401 API token invalid");
  return mintFor(who, r.tags, attributes, context);
}

interface Attributes {
  ephemeral: boolean;
  preauthorized: boolean;
}

function mintFor(who: Principal, tags: string[], a: Attributes, context: RegistrationContext): AuthKey {
  requireScope(who, "auth_keys");
  return context.keys.create({ capabilities: { devices: { create: { ...a, reusable: false, tags } } } }, who)
    .key;
}

function readAttributes(query: string | undefined, defaults: Attributes): Attributes {
  const result = { ...defaults };
  for (const [name, value] of new URLSearchParams(query ?? "")) {
    if (name === "baseURL") continue;
    if (name !== "ephemeral" && name !== "preauthorized")
      throw new RegistrationError(`unknown attribute "${name}"`);
    if (value !== "true" && value !== "false")
      throw new RegistrationError(`attribute "${name}" must be true or false`);
    result[name] = value === "true";
  }
  return result;
}

/** A tagged key gives its tags, and advertised ones must be among them; with an untagged one its owner must own them. */
function tagsFor(advertised: string[], key: AuthKey, context: RegistrationContext): string[] {
  const tagOwners = context.tagOwners();
  if (key.rights.tags.length === 0) {
    requireTags(advertised, { kind: "user", login: key.owner }, tagOwners);
    return advertised;
  }
  const foreign = advertised.filter((t) => !key.rights.tags.includes(t));
  const gone = key.rights.tags.filter((t) => !Object.hasOwn(tagOwners, t));
  if (foreign.length + gone.length > 0) throw tagsNotPermitted([...foreign, ...gone]);
  return key.rights.tags;
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
