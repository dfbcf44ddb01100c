import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, isIPv6, type AddressInfo } from "node:net";
import { join } from "node:path";
import { DNS_SUFFIX, type ControlPlane } from "../tailscale";
import { HeadscaleApi } from "./api";
import { makeCertificate } from "./certificate";
import { renderConfig } from "./config";
import { controlPlane } from "./control-plane";
import { HeadscaleProcess } from "./process";
import type { People } from "./references";

export { HeadscaleApi, HeadscaleError, type HeadscaleNode, type PreAuthKey } from "./api";
export { translationCases, type CaseName, type TranslationCase } from "./cases";
export type { People } from "./references";
export { translatePolicy, type Translation } from "./translate";

export interface HeadscaleOptions {
  /** For state, log and certificate; created if it does not exist. */
  dir: string;
  /** Where clients reach it. */
  address: string;
  /** Further addresses of this host, for clients of the other IP family; it then listens on all addresses. @default none */
  otherAddresses?: string[];
  /** TCP port; 0: a free one. @default 443 */
  port?: number;
  /** headscale's DERP map (YAML with `regions`); at least one region. */
  derpMapFile: string;
  /** The people of the tailnet by login; the first one is its owner and only admin. @default ["admin@example.com"] */
  users?: string[];
  /** @default "headscale" on PATH */
  binary?: string;
}

/** What joins with the key: a user's device, or a tagged one. */
export interface ClientKeyOptions {
  /** @default the first user, unless there are tags */
  user?: string;
  /** The policy need not know them, but grants nothing to those it does not know. */
  tags?: string[];
  /** @default false */
  reusable?: boolean;
  /** Gone a minute or two after it went offline. @default false */
  ephemeral?: boolean;
}

/** A control server. */
export interface Headscale {
  /** For `tailscale up --login-server`. */
  url: string;
  /** Base URL of its REST API; the same as `url`. */
  apiUrl: string;
  /** The certificate that clients must trust (`SSL_CERT_FILE`). */
  caFile: string;
  logFile: string;
  /** For its REST API; a day long. */
  apiKey: string;
  api: HeadscaleApi;
  /** For `startTailscale({ control })`: the Tailscale API in front of this server. */
  control: ControlPlane;
  /** A key for a device of the lab itself; single-use, an hour long. It does not show in the Tailscale API. */
  createClientKey(o?: ClientKeyOptions): Promise<string>;
  /** The control server goes down; clients keep what they know. */
  stop(): Promise<void>;
  /** ... and comes back with all of its state. */
  start(): Promise<void>;
  /** Ends it; `dir` stays. */
  close(): Promise<void>;
}

const CLIENT_KEY_LIFETIME_MS = 3600_000;

/**
 * Starts a headscale with a policy that allows nothing yet. It ends with this process.
 * @throws when it does not serve within half a minute, with the end of its log
 */
export async function startHeadscale(o: HeadscaleOptions): Promise<Headscale> {
  mkdirSync(o.dir, { recursive: true });
  const port = o.port === 0 ? await freePort(o.address) : (o.port ?? 443);
  const others = o.otherAddresses ?? [];
  const tls = await makeCertificate(o.dir, [o.address, ...others]);
  const url = `https://${hostOf(o.address)}${port === 443 ? "" : `:${port}`}`;
  const listen = others.length > 0 ? `[::]:${port}` : `${hostOf(o.address)}:${port}`;
  const configFile = join(o.dir, "config.yaml");
  const { dir, derpMapFile } = o;
  writeFileSync(configFile, renderConfig({ url, listen, dir, derpMapFile, tls, dnsSuffix: DNS_SUFFIX }));
  const server = new HeadscaleProcess(o.binary ?? "headscale", configFile, join(dir, "headscale.log"));
  const ca = readFileSync(tls.cert, "utf8");
  const start = () => server.start(() => new HeadscaleApi(url, ca, "").healthy());
  try {
    await start();
    const apiKey = await server.command(["apikeys", "create", "--expiration", "24h"]);
    const api = new HeadscaleApi(url, ca, apiKey);
    const people = await makePeople(api, o.users ?? ["admin@example.com"]);
    await api.setPolicy('{"grants": []}');
    return {
      ...{ url, apiUrl: url, caFile: tls.cert, logFile: server.logFile, apiKey, api },
      control: controlPlane(api, people),
      createClientKey: (key = {}) => createClientKey(api, people, key),
      start,
      stop: () => server.stop(),
      close: () => server.stop(),
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function makePeople(api: HeadscaleApi, logins: string[]): Promise<People> {
  const known = (await api.users()).map((user) => user.name);
  for (const login of logins) if (!known.includes(login)) await api.createUser(login);
  return { admin: logins[0] ?? "", members: logins };
}

async function createClientKey(api: HeadscaleApi, people: People, o: ClientKeyOptions): Promise<string> {
  const tagged = (o.tags ?? []).length > 0;
  const login = o.user ?? people.admin;
  const user = (await api.users()).find((candidate) => candidate.name === login);
  if (!user) throw new Error(`no user ${login} in the lab's tailnet, only ${people.members.join(", ")}`);
  const { key } = await api.createKey({
    ...(tagged ? { tags: o.tags } : { user: user.id }),
    reusable: o.reusable ?? false,
    ephemeral: o.ephemeral ?? false,
    expires: new Date(Date.now() + CLIENT_KEY_LIFETIME_MS),
  });
  return key;
}

function hostOf(address: string): string {
  return isIPv6(address) ? `[${address}]` : address;
}

/** A port that is free now; headscale cannot say which one it took for 0. */
function freePort(address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, address, () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
