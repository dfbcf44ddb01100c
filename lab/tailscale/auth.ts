import { ApiError } from "./api-error";
import { hash, newId, newSecret } from "./secrets";

/** Who is calling: a person with an API key (an admin of the tailnet), or an OAuth client with what it was given. */
export type Principal =
  { kind: "user"; login: string } | { kind: "oauth"; clientId: string; scopes: string[]; tags: string[] };

export interface OAuthClientOptions {
  /** Scopes such as `policy_file`, `auth_keys`, `devices:core`, each also with `:read`, or `all`. */
  scopes: string[];
  /** Tags the client may give to keys and devices; required with `auth_keys` and `devices:core`. */
  tags?: string[];
}

/** A federated (workload) identity: no secret; a token for `audience` whose subject matches stands for it. */
export interface FederatedIdentityOptions extends OAuthClientOptions {
  /** Pattern for the token's subject, for AWS the role's ARN; `*` matches anything. @default "*" */
  subject?: string;
  /** @default made by the service */
  audience?: string;
}

interface Client {
  id: string;
  secretHash?: string;
  audience?: string;
  subject?: string;
  scopes: string[];
  tags: string[];
}

const invalidToken = () => new ApiError(401, "API token invalid");
const knownScopes = [
  "all",
  "policy_file",
  "auth_keys",
  "oauth_keys",
  "devices",
  "devices:core",
  "feature_settings",
];

/** API keys, OAuth clients, federated identities and access tokens of the tailnet. */
export class Credentials {
  private readonly apiKeys = new Map<string, string>();
  private readonly clients = new Map<string, Client>();
  private readonly tokens = new Map<string, { clientId: string; scopes: string[]; expires: number }>();

  constructor(
    private readonly now: () => number,
    readonly tokenLifetimeSeconds: number,
  ) {}

  /** A personal API key of an admin; may do everything. */
  addApiKey(login: string): string {
    const key = newSecret("api", newId("k"));
    this.apiKeys.set(hash(key), login);
    return key;
  }

  addOAuthClient(o: OAuthClientOptions): { clientId: string; clientSecret: string } {
    const id = this.addClient(o);
    const clientSecret = newSecret("client", id);
    this.client(id).secretHash = hash(clientSecret);
    return { clientId: id, clientSecret };
  }

  addFederatedIdentity(o: FederatedIdentityOptions): { clientId: string; audience: string } {
    const id = this.addClient(o);
    const audience = o.audience ?? `api.tailscale.com/${id}`;
    Object.assign(this.client(id), { audience, subject: o.subject ?? "*" });
    return { clientId: id, audience };
  }

  /** Takes a client and all of its tokens away, as the admin console's "revoke" does. */
  revokeClient(id: string): void {
    this.clients.delete(id);
    for (const [token, t] of this.tokens) if (t.clientId === id) this.tokens.delete(token);
  }

  clientIds(): string[] {
    return [...this.clients.keys()];
  }

  /** `POST /oauth/token`. @throws ApiError 401 for a wrong id or secret, 400 for scopes the client does not have */
  issueToken(clientId: string, secret: string, scope?: string): { token: string; scope: string } {
    const client = this.clientBySecret(secret);
    if (!client || client.id !== clientId) throw invalidToken();
    const scopes = scope ? scope.split(/\s+/) : client.scopes;
    const missing = scopes.filter((s) => !granted(client.scopes, s));
    if (missing.length > 0) throw new ApiError(400, `requested scopes not granted: ${missing.join(" ")}`);
    return this.newToken(clientId, scopes);
  }

  /**
   * `POST /oauth/token-exchange`: an identity token of somebody else's issuer against an access token. Audience,
   * subject and expiry are compared; the signature is not checked, the lab trusts every issuer.
   * @throws ApiError 401
   */
  exchangeToken(clientId: string, jwt: string): { token: string; scope: string } {
    const claims = readClaims(jwt);
    if (!claims || claims.exp * 1000 <= this.now()) throw invalidToken();
    const who = this.principalByIdentity(clientId, claims.aud, claims.sub);
    if (who?.kind !== "oauth") throw invalidToken();
    return this.newToken(clientId, who.scopes);
  }

  /** The client whose secret this is: for `tskey-client-...` used as an auth key. */
  principalBySecret(secret: string): Principal | undefined {
    const client = this.clientBySecret(secret);
    return client && { kind: "oauth", clientId: client.id, scopes: client.scopes, tags: client.tags };
  }

  /** The federated identity that a workload with this subject may use. */
  principalByIdentity(clientId: string, audience: string, subject: string): Principal | undefined {
    const c = this.clients.get(clientId);
    if (!c?.audience || c.audience !== audience || !matches(c.subject ?? "", subject)) return undefined;
    return { kind: "oauth", clientId: c.id, scopes: c.scopes, tags: c.tags };
  }

  /** Reads an `Authorization` header. @throws ApiError 401 */
  authenticate(header: string | undefined): Principal {
    const secret = presented(header);
    const login = this.apiKeys.get(hash(secret));
    if (login !== undefined) return { kind: "user", login };
    const token = this.tokens.get(hash(secret));
    const client = token && this.clients.get(token.clientId);
    if (!token || !client || token.expires <= this.now()) throw invalidToken();
    return { kind: "oauth", clientId: client.id, scopes: token.scopes, tags: client.tags };
  }

  private newToken(clientId: string, scopes: string[]): { token: string; scope: string } {
    const token = newSecret("api", newId("k"));
    const expires = this.now() + this.tokenLifetimeSeconds * 1000;
    this.tokens.set(hash(token), { clientId, scopes, expires });
    return { token, scope: scopes.join(" ") };
  }

  private addClient(o: OAuthClientOptions): string {
    const unknown = o.scopes.filter((s) => !knownScopes.includes(s.replace(/:read$/, "")));
    if (o.scopes.length === 0 || unknown.length > 0)
      throw new ApiError(400, `invalid scopes: [${unknown.join(" ")}]`);
    const needTags = o.scopes.some((s) => ["auth_keys", "devices:core", "all"].includes(s));
    if (needTags && !o.tags?.length)
      throw new ApiError(400, "tags are required with auth_keys and devices:core");
    const id = newId("k");
    this.clients.set(id, { id, scopes: [...o.scopes], tags: [...(o.tags ?? [])] });
    return id;
  }

  private client(id: string): Client {
    const client = this.clients.get(id);
    if (!client) throw new Error(`no client ${id}`);
    return client;
  }

  private clientBySecret(secret: string): Client | undefined {
    const wanted = hash(secret);
    return [...this.clients.values()].find((c) => c.secretHash === wanted);
  }
}

/** Refuses a caller who lacks the scope. @throws ApiError 403 with the real service's words */
export function requireScope(who: Principal, scope: string): void {
  if (who.kind === "user" || granted(who.scopes, scope)) return;
  throw new ApiError(403, "calling actor does not have enough permissions to perform this function");
}

/** A scope contains its `:read` half; `all` contains every scope, `devices` contains `devices:core`. */
function granted(have: readonly string[], want: string): boolean {
  const read = want.endsWith(":read");
  const base = want.replace(/:read$/, "");
  const wider = base === "devices:core" ? [base, "devices", "all"] : [base, "all"];
  return wider.some((w) => have.includes(w) || (read && have.includes(`${w}:read`)));
}

/** The secret of `Bearer <token>`, or of Basic with the key as user name and no password. */
function presented(header: string | undefined): string {
  const [scheme, value] = (header ?? "").split(/\s+/, 2);
  if (!value) throw invalidToken();
  if (scheme?.toLowerCase() === "bearer") return value;
  if (scheme?.toLowerCase() === "basic") return basicUser(value).user;
  throw invalidToken();
}

/** User and password of a Basic credential. */
export function basicUser(value: string): { user: string; password: string } {
  const text = Buffer.from(value, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 0
    ? { user: text, password: "" }
    : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

function readClaims(jwt: string): { aud: string; sub: string; exp: number } | undefined {
  try {
    const text = Buffer.from(jwt.split(".")[1] ?? "", "base64url").toString("utf8");
    const { aud, sub, exp } = JSON.parse(text) as Record<string, unknown>;
    const one: unknown = Array.isArray(aud) ? aud[0] : aud;
    return typeof one === "string" && typeof sub === "string" && typeof exp === "number"
      ? { aud: one, sub, exp }
      : undefined;
  } catch {
    return undefined;
  }
}

function matches(pattern: string, text: string): boolean {
  const source = pattern.split("*").map((p) => p.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${source.join(".*")}$`).test(text);
}
