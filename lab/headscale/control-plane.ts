import {
  ApiError,
  DNS_SUFFIX,
  type AuthKey,
  type ControlPlane,
  type Device,
  type DeviceDirectory,
} from "../tailscale";
import { HeadscaleError, type HeadscaleApi, type HeadscaleNode } from "./api";
import type { People } from "./references";
import { translatePolicy } from "./translate";

const never = "0001-01-01T00:00:00Z";
const deviceLifetimeMs = 180 * 24 * 3600 * 1000;

/** headscale behind our Tailscale API. */
export function controlPlane(api: HeadscaleApi, people: People): ControlPlane {
  /** headscale's ids of our keys. */
  const keyIds = new Map<string, string>();
  return {
    checkPolicy: (text) => asked(() => api.checkPolicy(translatePolicy(text, people).policy)),
    setPolicy: (text) => asked(() => api.setPolicy(translatePolicy(text, people).policy)),
    createKey: (key) =>
      asked(async () => {
        const made = await api.createKey({
          ...(key.rights.tags.length > 0 ? { tags: key.rights.tags } : { user: await userId(api, key) }),
          reusable: key.rights.reusable,
          ephemeral: key.rights.ephemeral,
          expires: new Date(key.expires),
        });
        keyIds.set(key.id, made.id);
        return made.key;
      }),
    revokeKey: (key) => asked(() => api.expireKey(keyIds.get(key.id) ?? "")),
    usedKeys: () =>
      asked(async () => {
        const used = new Set((await api.keys()).filter((key) => key.used).map((key) => key.id));
        return [...keyIds].filter(([, id]) => used.has(id)).map(([id]) => id);
      }),
    devices: new Nodes(api),
  };
}

async function userId(api: HeadscaleApi, key: AuthKey): Promise<string> {
  const user = (await api.users()).find((candidate) => candidate.name === key.owner);
  if (!user) throw new ApiError(400, `headscale: no user ${key.owner} in the lab's tailnet`);
  return user.id;
}

/** headscale's nodes, with Tailscale's names for everything. */
class Nodes implements DeviceDirectory {
  constructor(private readonly api: HeadscaleApi) {}

  all(): Promise<Device[]> {
    return asked(async () => (await this.api.nodes()).map(render));
  }

  async get(id: string): Promise<Device> {
    const device = (await this.all()).find((d) => d.nodeId === id || d.id === id);
    if (!device) throw new ApiError(404, "device not found");
    return device;
  }

  async remove(id: string): Promise<void> {
    const device = await this.get(id);
    await asked(async () => {
      // headscale goes on serving a deleted node that is connected, with the peers that it had: put it out first.
      await this.api.setExpiry(device.id, new Date());
      await this.api.deleteNode(device.id);
    });
  }

  async rename(id: string, name: string): Promise<void> {
    const device = await this.get(id);
    await asked(() => this.api.renameNode(device.id, name));
  }

  async setTags(id: string, tags: string[]): Promise<void> {
    const device = await this.get(id);
    await asked(() => this.api.setTags(device.id, tags));
  }

  async setKeyExpiryDisabled(id: string, disabled: boolean): Promise<void> {
    const device = await this.get(id);
    const at = disabled ? undefined : new Date(Date.parse(device.created) + deviceLifetimeMs);
    await asked(() => this.api.setExpiry(device.id, at));
  }

  /** headscale has no device approval: everybody who joins is in. */
  async setAuthorized(id: string, authorized: boolean): Promise<void> {
    await this.get(id);
    if (!authorized) throw new ApiError(400, "headscale: a device cannot be made to wait for approval");
  }
}

function render(node: HeadscaleNode): Device {
  const tagged = node.tags.length > 0;
  return {
    id: node.id,
    nodeId: `n${node.id}CNTRL`,
    name: `${node.givenName}.${DNS_SUFFIX}`,
    hostname: node.name,
    addresses: node.ipAddresses,
    user: tagged ? "tagged-devices" : (node.user?.name ?? ""),
    ...(tagged ? { tags: node.tags } : {}),
    created: seconds(node.createdAt),
    ...(node.online || !node.lastSeen ? {} : { lastSeen: seconds(node.lastSeen) }),
    connectedToControl: node.online,
    authorized: true,
    keyExpiryDisabled: node.expiry === null,
    expires: node.expiry === null ? never : seconds(node.expiry),
    // Its API does not show what a node says of itself.
    clientVersion: "",
    os: "",
    isEphemeral: node.preAuthKey?.ephemeral ?? false,
    isExternal: false,
    updateAvailable: false,
    blocksIncomingConnections: false,
    nodeKey: node.nodeKey,
    machineKey: node.machineKey,
  };
}

/** `2026-01-01T00:00:00Z`, without the fraction, as the real API shows times. */
function seconds(time: string): string {
  return time.replace(/\.\d+Z$/, "Z");
}

/** Passes headscale's words on as the API's: a refusal of what was sent is a 400, a server that is down a 502. */
async function asked<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof HeadscaleError)) throw error;
    throw new ApiError(error.status === 0 ? 502 : error.status === 404 ? 404 : 400, words(error));
  }
}

function words(error: HeadscaleError): string {
  return error.status === 0 ? error.message : `headscale: ${error.message}`;
}
