import { ApiError } from "./api-error";
import { newId, randomHex } from "./secrets";

/** A device of the tailnet, with the field names of the API. */
export interface Device {
  /** The old numeric id. The API takes it and `nodeId` alike. */
  id: string;
  nodeId: string;
  /** MagicDNS name: `<hostname>[-<n>].<tailnet>.ts.net`, unique in the tailnet. */
  name: string;
  /** What the device calls itself; not unique. */
  hostname: string;
  /** One of 100.64.0.0/10, one of fd7a:115c:a1e0::/48. */
  addresses: string[];
  user: string;
  tags?: string[];
  created: string;
  /** When it was last connected; absent while it is. */
  lastSeen?: string;
  connectedToControl: boolean;
  authorized: boolean;
  keyExpiryDisabled: boolean;
  expires: string;
  clientVersion: string;
  os: string;
  isEphemeral: boolean;
  isExternal: boolean;
  updateAvailable: boolean;
  blocksIncomingConnections: boolean;
  nodeKey: string;
  machineKey: string;
}

/** What a device is when it joins. */
export interface NewDevice {
  hostname: string;
  user: string;
  tags: string[];
  authorized: boolean;
  ephemeral: boolean;
  clientVersion: string;
  os: string;
}

/** A value, or the promise of one: a tailnet of the lab's own answers at once, a real control server later. */
export type Later<T> = T | Promise<T>;

/** What the API's endpoints need of the tailnet's devices. Ids are the old numeric or the node id. */
export interface DeviceDirectory {
  all(): Later<Device[]>;
  /** @throws ApiError 404 */
  get(id: string): Later<Device>;
  /** @throws ApiError 404 */
  remove(id: string): Later<void>;
  /** @throws ApiError 400 for a name another device has */
  rename(id: string, name: string): Later<void>;
  setTags(id: string, tags: string[]): Later<void>;
  setKeyExpiryDisabled(id: string, disabled: boolean): Later<void>;
  setAuthorized(id: string, authorized: boolean): Later<void>;
}

/** MagicDNS suffix of the lab's tailnet. */
export const DNS_SUFFIX = "tail1ab2.ts.net";

/** Node keys of people's devices last 180 days unless somebody says otherwise. */
const nodeKeyLifetimeMs = 180 * 24 * 3600 * 1000;
const never = "0001-01-01T00:00:00Z";

/** The devices of the tailnet. */
export class Devices implements DeviceDirectory {
  private readonly byId = new Map<string, Device>();
  private count = 0;

  constructor(private readonly now: () => number) {}

  add(o: NewDevice): Device {
    const n = ++this.count;
    const tagged = o.tags.length > 0;
    const device: Device = {
      id: String(7_000_000_000 + n),
      nodeId: newId("n"),
      name: this.freeName(o.hostname),
      hostname: o.hostname,
      addresses: [`100.${64 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`, `fd7a:115c:a1e0::${n.toString(16)}`],
      user: tagged ? "tagged-devices" : o.user,
      ...(tagged ? { tags: [...o.tags] } : {}),
      created: this.iso(0),
      connectedToControl: true,
      authorized: o.authorized,
      // A tagged device's key does not expire: nobody could log it in again.
      keyExpiryDisabled: tagged,
      expires: tagged ? never : this.iso(nodeKeyLifetimeMs),
      clientVersion: o.clientVersion,
      os: o.os,
      isEphemeral: o.ephemeral,
      isExternal: false,
      updateAvailable: false,
      blocksIncomingConnections: false,
      nodeKey: `nodekey:${randomHex(32)}`,
      machineKey: `mkey:${randomHex(32)}`,
    };
    this.byId.set(device.nodeId, device);
    return device;
  }

  all(): Device[] {
    return [...this.byId.values()];
  }

  find(id: string): Device | undefined {
    return this.byId.get(id) ?? this.all().find((d) => d.id === id);
  }

  /** @throws ApiError 404 */
  get(id: string): Device {
    const device = this.find(id);
    if (!device) throw new ApiError(404, "device not found");
    return device;
  }

  /** @throws ApiError 404 */
  remove(id: string): void {
    this.byId.delete(this.get(id).nodeId);
  }

  /**
   * The device connects or goes away. An ephemeral one that goes away is removed; the real service takes some
   * minutes to hours for it, the lab does it at once.
   */
  setOnline(id: string, online: boolean): void {
    const device = this.get(id);
    if (device.connectedToControl && !online) device.lastSeen = this.iso(0);
    if (online) delete device.lastSeen;
    device.connectedToControl = online;
    if (!online && device.isEphemeral) this.remove(id);
  }

  /** @throws ApiError 400 for a name another device has */
  rename(id: string, name: string): void {
    const device = this.get(id);
    const full = `${label(name)}.${DNS_SUFFIX}`;
    if (this.all().some((d) => d !== device && d.name === full))
      throw new ApiError(400, `name "${name}" is taken`);
    device.name = full;
  }

  setTags(id: string, tags: string[]): void {
    const device = this.get(id);
    if (tags.length === 0) delete device.tags;
    else
      Object.assign(device, {
        tags: [...tags],
        user: "tagged-devices",
        keyExpiryDisabled: true,
        expires: never,
      });
  }

  setKeyExpiryDisabled(id: string, disabled: boolean): void {
    this.get(id).keyExpiryDisabled = disabled;
  }

  setAuthorized(id: string, authorized: boolean): void {
    this.get(id).authorized = authorized;
  }

  private freeName(hostname: string): string {
    const taken = new Set(this.all().map((d) => d.name));
    const base = label(hostname);
    for (let n = 0; ; n++) {
      const name = `${base}${n === 0 ? "" : `-${n}`}.${DNS_SUFFIX}`;
      if (!taken.has(name)) return name;
    }
  }

  private iso(offsetMs: number): string {
    return new Date(this.now() + offsetMs).toISOString().replace(/\.\d+Z$/, "Z");
  }
}

/** A DNS label: lower case, other characters to dashes. */
function label(hostname: string): string {
  const clean = hostname
    .split(".")[0]
    ?.toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return clean || "device";
}

/**
 * The JSON of a device. `all` adds what `?fields=all` adds.
 */
export function renderDevice(device: Device, all: boolean): Record<string, unknown> {
  const extra = {
    advertisedRoutes: [],
    enabledRoutes: [],
    clientConnectivity: { endpoints: [], mappingVariesByDestIP: false, latency: {}, clientSupports: {} },
  };
  return { ...device, ...(all ? extra : {}) };
}

/** Query filters `?hostname=x&tags=tag:a&tags=tag:b`: exact, all of them; other top-level fields alike. */
export function filterDevices(devices: readonly Device[], query: URLSearchParams): Device[] {
  return devices.filter((device) =>
    [...query].every(([field, wanted]) => {
      if (field === "fields") return true;
      const value: unknown = Object.entries(device).find(([k]) => k === field)?.[1];
      return Array.isArray(value) ? value.includes(wanted) : value !== undefined && String(value) === wanted;
    }),
  );
}
