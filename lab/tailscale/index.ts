import { Credentials, type FederatedIdentityOptions, type OAuthClientOptions } from "./auth";
import type { ControlPlane } from "./control-plane";
import { Devices, type Device } from "./devices";
import { Faults } from "./faults";
import { AuthKeys, type AuthKey } from "./keys";
import { PolicyFile } from "./policy-file";
import { register, RegistrationError, type Registration } from "./registration";
import { dispatch, refreshKeys, type Tailnet } from "./routes";
import { listen, type LoggedRequest } from "./server";
import { defaultSettings, type TailnetSettings } from "./settings";
import { requireTags } from "./tags";

export { ApiError } from "./api-error";
export type { FederatedIdentityOptions, OAuthClientOptions } from "./auth";
export type { ControlPlane } from "./control-plane";
export { DNS_SUFFIX, type Device, type DeviceDirectory } from "./devices";
export type { Fault, FaultKind, Faults } from "./faults";
export type { AuthKey } from "./keys";
export { defaultPolicy, type PolicyFile, type Revision } from "./policy-file";
export { RegistrationError, type Registration } from "./registration";
export type { LoggedRequest } from "./server";
export type { TailnetSettings } from "./settings";
export { checkPolicy } from "./validate";

export interface TailscaleLabOptions {
  /** The policy file at the start. @default the one a new tailnet gets, which counts as untouched */
  policy?: string;
  /** @default a free one */
  port?: number;
  /** The tailnet's name in paths; `-` works always. @default "lab.example.com" */
  tailnet?: string;
  /** Re-indents what is written, so that nobody gets the own bytes back. @default false */
  formatOnWrite?: boolean;
  /**
   * A real control server that this API then is the front of: the policy that it is given is in force there, the keys it
   * makes are that server's, and its devices are that server's nodes. @default none: the API keeps all of it itself
   */
  control?: ControlPlane;
  /** How long an OAuth access token lives, in seconds. @default 3600 */
  tokenLifetimeSeconds?: number;
  /** The clock, in milliseconds: tests move it to see things expire. @default Date.now */
  now?: () => number;
}

/** A tailnet on this machine: the API that programs talk to, and the control server's side for nodes and tests. */
export interface TailscaleLab {
  /** Base URL without `/api/v2`, as `TAILSCALE_BASE_URL` wants it. */
  url: string;
  /** An admin's API key. */
  apiKey: string;
  /** Path name of the tailnet. */
  tailnet: string;
  /** What a program needs to talk to it. */
  env: Record<string, string>;
  policy: PolicyFile;
  settings: TailnetSettings;
  faults: Faults;
  /** Every request so far, without anything secret. */
  requests: LoggedRequest[];
  /** Somebody edits the policy file in the admin console. */
  humanEdit(edit: (text: string) => string): Promise<void>;
  /** A new OAuth client; its tags must be in the policy already, as with the real service. */
  addOAuthClient(o: OAuthClientOptions): { clientId: string; clientSecret: string };
  addFederatedIdentity(o: FederatedIdentityOptions): { clientId: string; audience: string };
  /** Revokes an OAuth client or federated identity and its tokens. */
  revokeClient(clientId: string): void;
  /** All auth keys ever made, without their secrets. */
  keys(): Promise<AuthKey[]>;
  devices(): Promise<Device[]>;
  /** Takes a device out of the tailnet, as the admin console does. */
  deleteDevice(id: string): Promise<void>;
  /** A simulated node asks to join. @throws RegistrationError, always so with a real control server */
  register(r: Registration): Device;
  /** A simulated node connects or goes away. */
  setOnline(id: string, online: boolean): void;
  close(): Promise<void>;
}

/**
 * Starts a server on the loopback that speaks the part of the Tailscale API v2 that we use, as strict as the real one.
 * @throws ApiError when `policy` is one that the service would refuse
 */
export async function startTailscale(o: TailscaleLabOptions = {}): Promise<TailscaleLab> {
  const now = o.now ?? Date.now;
  const name = o.tailnet ?? "lab.example.com";
  const policy = await PolicyFile.start(o.policy, o.formatOnWrite, o.control);
  const keys = new AuthKeys(now, () => policy.tagOwners);
  const simulated = new Devices(now);
  const credentials = new Credentials(now, o.tokenLifetimeSeconds ?? 3600);
  const tailnet: Tailnet = {
    ...{ name, policy, keys, credentials, control: o.control },
    devices: o.control?.devices ?? simulated,
    settings: { ...defaultSettings },
  };
  const faults = new Faults();
  const requests: LoggedRequest[] = [];
  const server = await listen(o.port ?? 0, (call) => dispatch(call, tailnet), faults, requests, now);
  const apiKey = credentials.addApiKey("admin@example.com");
  return {
    url: server.url,
    apiKey,
    tailnet: name,
    env: { TAILSCALE_BASE_URL: server.url, TAILSCALE_API_KEY: apiKey, TAILSCALE_TAILNET: name },
    policy,
    settings: tailnet.settings,
    faults,
    requests,
    humanEdit: (edit) => policy.humanEdit(edit),
    ...clients(tailnet),
    keys: async () => {
      await refreshKeys(tailnet);
      return keys.all();
    },
    ...nodes(tailnet, simulated),
    close: () => server.close(),
  };
}

function clients({ credentials, policy }: Tailnet) {
  const checkTags = (o: OAuthClientOptions) =>
    requireTags(o.tags ?? [], { kind: "user", login: "admin@example.com" }, policy.tagOwners);
  return {
    addOAuthClient: (o: OAuthClientOptions) => {
      checkTags(o);
      return credentials.addOAuthClient(o);
    },
    addFederatedIdentity: (o: FederatedIdentityOptions) => {
      checkTags(o);
      return credentials.addFederatedIdentity(o);
    },
    revokeClient: (id: string) => credentials.revokeClient(id),
  };
}

function nodes({ credentials, keys, devices, control, policy, settings }: Tailnet, simulated: Devices) {
  const context = {
    credentials,
    keys,
    devices: simulated,
    tagOwners: () => policy.tagOwners,
    approvalOn: () => settings.devicesApprovalOn,
  };
  return {
    devices: async () => devices.all(),
    deleteDevice: async (id: string) => devices.remove(id),
    register: (r: Registration) => {
      if (control) throw new RegistrationError("the tailnet has a real control server: nodes join there");
      return register(r, context);
    },
    setOnline: (id: string, online: boolean) => simulated.setOnline(id, online),
  };
}
