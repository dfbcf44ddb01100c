import { readFileSync } from "fs";

/**
 * Where the dynamic resources get their Tailscale credentials: the same `tailscale:` stack config and `TAILSCALE_*`
 * variables that `@pulumi/tailscale` reads, in the same order (config first). They are read at run time by the
 * provider process and are never an input of a resource, so they never reach the state.
 */

/** What is needed to speak to the Tailscale API for one tailnet. */
export interface TailnetCredentials {
  /** Base address of the API, without a trailing slash. */
  baseUrl: string;
  /** The tailnet's name; `-` is the tailnet that the credential belongs to. */
  tailnet: string;
  apiKey?: string;
  oauthClientId?: string;
  oauthClientSecret?: string;
  identityToken?: string;
  /** Scopes to ask for when a token is made from an OAuth client; none asks for all that the client has. */
  scopes?: string[];
}

/** Raised when no usable credential is configured; names what to set. */
export class CredentialsError extends Error {
  constructor(message: string) {
    super(message);
    // Set by hand: Pulumi's serialiser, which carries this class into the provider process, loses what super() sets.
    this.message = message;
    this.name = "CredentialsError";
  }
}

/**
 * Reads the credentials.
 * @param config reads a key of the `tailscale:` namespace of the stack's config
 * @param env the process's environment
 * @throws CredentialsError when neither an API key, an OAuth client nor an identity token is set, or a file can't be read
 */
export function readCredentials(
  config: (key: string) => string | undefined,
  env: Record<string, string | undefined>,
): TailnetCredentials {
  const pick = (key: string, variable: string) => config(key) || env[variable] || undefined;
  const pickSecret = (key: string, variable: string) => contentOf(key, pick(key, variable));
  const tokenVariable = pick(
    "identityTokenEnvironmentVariableName",
    "TAILSCALE_IDENTITY_TOKEN_ENVIRONMENT_VARIABLE_NAME",
  );
  const credentials: TailnetCredentials = {
    baseUrl: (pick("baseUrl", "TAILSCALE_BASE_URL") ?? "https://api.tailscale.com").replace(/\/+$/, ""),
    tailnet: pick("tailnet", "TAILSCALE_TAILNET") ?? "-",
    apiKey: pickSecret("apiKey", "TAILSCALE_API_KEY"),
    oauthClientId: pickSecret("oauthClientId", "TAILSCALE_OAUTH_CLIENT_ID"),
    oauthClientSecret: pickSecret("oauthClientSecret", "TAILSCALE_OAUTH_CLIENT_SECRET"),
    identityToken:
      pickSecret("identityToken", "TAILSCALE_IDENTITY_TOKEN") ??
      contentOf("identityTokenEnvironmentVariableName", tokenVariable ? env[tokenVariable] : undefined),
    scopes: parseScopes(config("scopes")),
  };
  const federated = credentials.oauthClientId && (credentials.oauthClientSecret || credentials.identityToken);
  if (!credentials.apiKey && !federated && pick("audience", "TAILSCALE_AUDIENCE")) {
    throw new CredentialsError(
      "tailscale:audience (or TAILSCALE_AUDIENCE) must not be the only credential: the policy file and the devices are " +
        "read without the provider, which alone knows how to get a token for it from GitHub, AWS or Google. Let the " +
        "pipeline get that token, and set tailscale:identityToken (or TAILSCALE_IDENTITY_TOKEN) in place of the audience.",
    );
  }
  if (!credentials.apiKey && !federated) {
    throw new CredentialsError(
      "no Tailscale credentials: set stack config tailscale:apiKey (or TAILSCALE_API_KEY), or tailscale:oauthClientId " +
        "and tailscale:oauthClientSecret (or TAILSCALE_OAUTH_CLIENT_ID and TAILSCALE_OAUTH_CLIENT_SECRET), or " +
        "tailscale:oauthClientId and tailscale:identityToken. An explicit tailscale.Provider is not seen here.",
    );
  }
  return credentials;
}

/** As in the provider, `file:<path>` stands for what is in a file. */
function contentOf(key: string, value: string | undefined): string | undefined {
  if (!value?.startsWith("file:")) return value;
  const path = value.slice("file:".length);
  try {
    return readFileSync(path, "utf8").trim() || undefined;
  } catch (error) {
    throw new CredentialsError(
      `tailscale:${key} must be readable, got file:${path}: ${(error as Error).message}`,
    );
  }
}

/** Pulumi hands a list in config over as JSON text. */
function parseScopes(text: string | undefined): string[] | undefined {
  if (!text) return undefined;
  const value: unknown = text.startsWith("[") ? JSON.parse(text) : text.split(",");
  return Array.isArray(value) ? value.map((scope) => String(scope).trim()) : undefined;
}
