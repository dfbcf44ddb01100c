import { text, texts, type Props } from "../host";

/** Tailscale's API as the provider uses it. */
export interface Tailscale {
  /** @throws {HttpError} for any answer but 2xx */
  request(method: "GET" | "POST" | "DELETE", path: string, body?: Props): Promise<Props>;
}

/** An answer that is not 2xx, in the API's words and with its status, as the real provider shows it. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(`${message} (${status})`);
  }
}

const VARIABLES: Record<string, string> = {
  apiKey: "TAILSCALE_API_KEY",
  audience: "TAILSCALE_AUDIENCE",
  baseUrl: "TAILSCALE_BASE_URL",
  identityToken: "TAILSCALE_IDENTITY_TOKEN",
  oauthClientId: "TAILSCALE_OAUTH_CLIENT_ID",
  oauthClientSecret: "TAILSCALE_OAUTH_CLIENT_SECRET",
  tailnet: "TAILSCALE_TAILNET",
};

/**
 * Reads the real provider's configuration: stack config `tailscale:*` over TAILSCALE_* variables. A stand-in has no
 * business in a real tailnet: without a base URL of its own it refuses to work.
 */
export function configure(
  config: Props,
  signal: AbortSignal,
  env: NodeJS.ProcessEnv = process.env,
): Tailscale {
  const setting = (key: string) => text(config, key) || env[VARIABLES[key] ?? ""] || "";
  const baseUrl = setting("baseUrl").replace(/\/$/, "");
  if (!baseUrl || /\.tailscale\.com/.test(baseUrl)) {
    throw new Error(
      "the lab's stand-in for the tailscale provider works on a lab only: TAILSCALE_BASE_URL must name it",
    );
  }
  const api = `${baseUrl}/api/v2`;
  const authorize = authorization(api, setting, texts(config, "scopes"));
  const tailnet = encodeURIComponent(setting("tailnet") || "-");
  return {
    async request(method, path, body) {
      const response = await fetch(`${api}/tailnet/${tailnet}${path}`, {
        method,
        signal,
        headers: { authorization: await authorize(), "content-type": "application/json" },
        body: body && JSON.stringify(body),
      });
      return answer(response);
    },
  };
}

/** How requests authenticate: an API key, or a token for an OAuth client or a workload's identity, fetched once. */
function authorization(
  api: string,
  setting: (key: string) => string,
  scopes: string[],
): () => Promise<string> {
  const [apiKey, id] = [setting("apiKey"), setting("oauthClientId")];
  const [secret, identity] = [setting("oauthClientSecret"), setting("identityToken")];
  if (apiKey) return async () => `Bearer ${apiKey}`;
  if (!id || !(secret || identity)) {
    throw new Error(
      "tailscale provider credentials are empty - set `api_key`, or `oauth_client_id` with `oauth_client_secret` or `identity_token`",
    );
  }
  const form: Record<string, string> = secret
    ? { grant_type: "client_credentials", client_id: id, client_secret: secret, scope: scopes.join(" ") }
    : { client_id: id, jwt: identity };
  let token: Promise<string> | undefined;
  return () => (token ??= fetchToken(`${api}/oauth/${secret ? "token" : "token-exchange"}`, form));
}

async function fetchToken(url: string, form: Record<string, string>): Promise<string> {
  const filled = Object.entries(form).filter(([, value]) => value !== "");
  const body = await answer(await fetch(url, { method: "POST", body: new URLSearchParams(filled) }));
  return `Bearer ${text(body, "access_token") ?? ""}`;
}

async function answer(response: Response): Promise<Props> {
  const raw = await response.text();
  let body: Props = {};
  try {
    body = (raw ? JSON.parse(raw) : {}) as Props;
  } catch {
    body = { message: raw };
  }
  if (response.ok) return body ?? {};
  throw new HttpError(response.status, text(body, "message") ?? text(body, "error") ?? response.statusText);
}
