import { ApiError } from "./api-error";
import type { Principal } from "./auth";
import { hash, newId, newSecret } from "./secrets";
import { requireTags } from "./tags";

/** The default and the longest lifetime of an auth key: 90 days, in seconds. */
export const maxKeyLifetimeSeconds = 7_776_000;

/** What a device that joins with the key may be. */
export interface DeviceRights {
  reusable: boolean;
  ephemeral: boolean;
  preauthorized: boolean;
  tags: string[];
}

/** An auth key as the service knows it; the secret half is kept as a hash only. */
export interface AuthKey {
  id: string;
  description: string;
  created: number;
  expires: number;
  /** When it was deleted. */
  revoked?: number;
  /** How many devices joined with it. */
  uses: number;
  rights: DeviceRights;
  /** Login of the person who made it, or the OAuth client's id. */
  owner: string;
}

/** The auth keys of the tailnet. */
export class AuthKeys {
  private readonly keys = new Map<string, AuthKey>();
  private readonly bySecret = new Map<string, string>();

  constructor(
    private readonly now: () => number,
    private readonly tagOwners: () => Readonly<Record<string, readonly string[]>>,
  ) {}

  /**
   * Makes a key from the body of `POST /keys`; the secret is in this answer and nowhere else, ever.
   * @throws ApiError 400 for a bad description, lifetime, or tags
   */
  create(body: unknown, who: Principal): { key: AuthKey; secret: string } {
    const key = this.draft(body, who);
    const secret = newSecret("auth", key.id);
    this.add(key, secret);
    return { key, secret };
  }

  /** Checks the body of `POST /keys`. @returns the key that it asks for, which does not exist yet */
  draft(body: unknown, who: Principal): AuthKey {
    const request = readRequest(body);
    if (who.kind === "oauth" && request.rights.tags.length === 0) {
      throw new ApiError(400, "tags are required for auth keys that an OAuth client makes");
    }
    requireTags(request.rights.tags, who, this.tagOwners());
    const created = this.now();
    return {
      id: newId("k"),
      description: request.description,
      created,
      expires: created + request.expirySeconds * 1000,
      uses: 0,
      rights: request.rights,
      owner: who.kind === "user" ? who.login : who.clientId,
    };
  }

  add(key: AuthKey, secret: string): void {
    this.keys.set(key.id, key);
    this.bySecret.set(hash(secret), key.id);
  }

  /** All keys that were ever made, the spent and the deleted ones too. */
  all(): AuthKey[] {
    return [...this.keys.values()];
  }

  /** @throws ApiError 404 */
  get(id: string): AuthKey {
    const key = this.keys.get(id);
    if (!key) throw new ApiError(404, "key not found");
    return key;
  }

  /** @throws ApiError 404 for a key that is unknown or deleted already */
  revoke(id: string): void {
    const key = this.get(id);
    if (key.revoked !== undefined) throw new ApiError(404, "key not found");
    key.revoked = this.now();
  }

  /** Expired, deleted or used up. */
  isInvalid(key: AuthKey): boolean {
    const spent = !key.rights.reusable && key.uses > 0;
    return spent || key.revoked !== undefined || key.expires <= this.now();
  }

  bySecretText(secret: string): AuthKey | undefined {
    const id = this.bySecret.get(hash(secret));
    return id === undefined ? undefined : this.keys.get(id);
  }

  /** The JSON of a key, without its secret. */
  render(key: AuthKey): Record<string, unknown> {
    const iso = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
    return {
      id: key.id,
      keyType: "auth",
      description: key.description,
      created: iso(key.created),
      expires: iso(key.expires),
      expirySeconds: Math.round((key.expires - key.created) / 1000),
      ...(key.revoked === undefined ? {} : { revoked: iso(key.revoked) }),
      ...(this.isInvalid(key) ? { invalid: true } : {}),
      capabilities: { devices: { create: key.rights } },
      userId: key.owner,
    };
  }
}

interface KeyRequest {
  description: string;
  expirySeconds: number;
  rights: DeviceRights;
}

function readRequest(body: unknown): KeyRequest {
  const request = asObject(body, "request body");
  const keyType = request.keyType ?? "auth";
  if (keyType !== "auth")
    throw new ApiError(400, `the lab makes auth keys only, not keyType "${String(keyType)}"`);
  const create = asObject(
    asObject(asObject(request.capabilities, "capabilities").devices, "devices").create ?? {},
    "create",
  );
  const tags = create.tags ?? [];
  if (!Array.isArray(tags) || !tags.every((t): t is string => typeof t === "string")) {
    throw new ApiError(400, "capabilities.devices.create.tags must be an array of strings");
  }
  return {
    description: readDescription(request.description),
    expirySeconds: readExpiry(request.expirySeconds),
    rights: {
      reusable: create.reusable === true,
      ephemeral: create.ephemeral === true,
      preauthorized: create.preauthorized === true,
      tags,
    },
  };
}

/** At most 50 letters, digits, hyphens and spaces, as the API's reference says. */
function readDescription(value: unknown): string {
  if (value == null) return "";
  if (typeof value !== "string") throw new ApiError(400, "description must be a string");
  if (value.length > 50) throw new ApiError(400, "description must be at most 50 characters");
  if (!/^[A-Za-z0-9 -]*$/.test(value)) {
    throw new ApiError(400, "description may only contain alphanumeric characters, hyphens and spaces");
  }
  return value;
}

function readExpiry(value: unknown): number {
  if (value == null || value === 0) return maxKeyLifetimeSeconds;
  const fine =
    typeof value === "number" && Number.isInteger(value) && value > 0 && value <= maxKeyLifetimeSeconds;
  if (!fine) throw new ApiError(400, `expirySeconds must be 1 to ${maxKeyLifetimeSeconds}`);
  return value;
}

function asObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new ApiError(400, `${what} must be an object`);
}
