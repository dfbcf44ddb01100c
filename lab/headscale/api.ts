import { request } from "node:https";

/** A user of headscale. */
export interface HeadscaleUser {
  id: string;
  name: string;
  email: string;
}

/** A pre-auth key; `key` is whole in the answer that makes it and masked ever after. */
export interface PreAuthKey {
  id: string;
  key: string;
  user: HeadscaleUser | null;
  reusable: boolean;
  ephemeral: boolean;
  used: boolean;
  expiration: string | null;
  createdAt: string;
  aclTags: string[];
}

/** A node, as far as the lab looks at it. */
export interface HeadscaleNode {
  id: string;
  machineKey: string;
  nodeKey: string;
  ipAddresses: string[];
  /** What the node calls itself. */
  name: string;
  /** Its unique name in MagicDNS. */
  givenName: string;
  user: HeadscaleUser | null;
  lastSeen: string | null;
  expiry: string | null;
  createdAt: string;
  online: boolean;
  preAuthKey: PreAuthKey | null;
  tags: string[];
}

/** What a new pre-auth key is for: a user's devices, or tagged ones. */
export interface NewPreAuthKey {
  /** Id of the user; without tags only. */
  user?: string;
  tags?: string[];
  reusable: boolean;
  ephemeral: boolean;
  expires: Date;
}

/** headscale's refusal in its own words; status 0: no answer at all. */
export class HeadscaleError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const TIMEOUT_MS = 15_000;

/** headscale's REST API (`/api/v1`), the part that the lab needs. */
export class HeadscaleApi {
  constructor(
    /** Such as `https://203.0.113.10`. */
    private readonly origin: string,
    private readonly ca: string,
    private readonly apiKey: string,
  ) {}

  async users(): Promise<HeadscaleUser[]> {
    return (await this.send<{ users: HeadscaleUser[] }>("GET", "/user")).users;
  }

  /** The login is name and e-mail address alike, so that a policy that names it means this user. */
  async createUser(login: string): Promise<HeadscaleUser> {
    const body = { name: login, email: login };
    return (await this.send<{ user: HeadscaleUser }>("POST", "/user", body)).user;
  }

  async createKey(o: NewPreAuthKey): Promise<PreAuthKey> {
    const { user, tags, reusable, ephemeral, expires } = o;
    const body = { user, reusable, ephemeral, expiration: expires.toISOString(), aclTags: tags ?? [] };
    return (await this.send<{ preAuthKey: PreAuthKey }>("POST", "/preauthkey", body)).preAuthKey;
  }

  async keys(): Promise<PreAuthKey[]> {
    return (await this.send<{ preAuthKeys: PreAuthKey[] }>("GET", "/preauthkey")).preAuthKeys;
  }

  async expireKey(id: string): Promise<void> {
    await this.send("POST", "/preauthkey/expire", { id });
  }

  async nodes(): Promise<HeadscaleNode[]> {
    return (await this.send<{ nodes: HeadscaleNode[] }>("GET", "/node")).nodes;
  }

  async deleteNode(id: string): Promise<void> {
    await this.send("DELETE", `/node/${id}`);
  }

  async setTags(id: string, tags: string[]): Promise<void> {
    await this.send("POST", `/node/${id}/tags`, { tags });
  }

  async renameNode(id: string, name: string): Promise<void> {
    await this.send("POST", `/node/${id}/rename/${encodeURIComponent(name)}`);
  }

  /** When the node's key expires; `undefined`: never. */
  async setExpiry(id: string, at: Date | undefined): Promise<void> {
    const how = at ? `expiry=${encodeURIComponent(at.toISOString())}` : "disable_expiry=true";
    await this.send("POST", `/node/${id}/expire?${how}`);
  }

  /** The policy in force; undefined before the first one. */
  async policy(): Promise<string | undefined> {
    try {
      return (await this.send<{ policy: string }>("GET", "/policy")).policy;
    } catch (error) {
      if (error instanceof HeadscaleError && /policy not found/.test(error.message)) return undefined;
      throw error;
    }
  }

  /** Whether headscale would take this policy. @throws HeadscaleError with its words */
  async checkPolicy(policy: string): Promise<void> {
    await this.send("POST", "/policy/check", { policy });
  }

  async setPolicy(policy: string): Promise<void> {
    await this.send("PUT", "/policy", { policy });
  }

  /** Whether it serves at all. */
  async healthy(): Promise<boolean> {
    return this.request("GET", "/health").then(
      (answer) => answer.status === 200,
      () => false,
    );
  }

  private async send<T>(method: string, path: string, body?: unknown): Promise<T> {
    const { status, text } = await this.request(method, `/api/v1${path}`, body);
    const value: unknown = readJson(text);
    if (status === 200) return value as T;
    const message = (value as { message?: string } | undefined)?.message ?? text.trim();
    throw new HeadscaleError(status, message || `status ${status}`);
  }

  private request(method: string, path: string, body?: unknown): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error) =>
        reject(new HeadscaleError(0, `no answer from headscale: ${error.message}`));
      const headers = { Authorization: `Bearer ${this.apiKey}`, "Content-Type": "application/json" };
      // No agent: a kept connection would hold up a server that is told to stop.
      const options = { method, headers, ca: this.ca, agent: false, timeout: TIMEOUT_MS };
      const sent = request(`${this.origin}${path}`, options, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", fail);
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }),
        );
      });
      sent.on("timeout", () => sent.destroy(new Error(`timeout after ${TIMEOUT_MS / 1000} s`)));
      sent.on("error", fail);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
