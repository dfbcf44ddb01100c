/** The settings of a relay host, as `/etc/peer-relay/relay.env` has them. */
export interface RelayEnv {
  hostname: string;
  port: number;
  /** `203.0.113.30:40000`, `[2001:db8::1]:40000`. */
  staticEndpoints: string[];
  tags: string[];
  tailscaleVersion: string;
  /** Another control server than Tailscale's. */
  loginServer?: string;
  auth: RelayAuth;
}

export type RelayAuth =
  | { kind: "parameter"; name: string; oauthClient: boolean }
  | { kind: "workload-identity"; clientId: string; audience: string }
  | { kind: "file"; path: string };

/** Where the bootstrap keeps its settings. */
export const relayEnvPath = "/etc/peer-relay/relay.env";

/**
 * Reads the settings.
 * @throws Error naming the line or the key that is wrong; never quotes a value
 */
export function parseRelayEnv(text: string): RelayEnv {
  const values = parseEnvFile(text);
  const get = (key: string): string => {
    const value = values.get(`PEER_RELAY_${key}`);
    if (!value) throw new Error(`${relayEnvPath}: PEER_RELAY_${key} is missing or empty`);
    return value;
  };
  const port = Number(get("PORT"));
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new Error("PEER_RELAY_PORT is not a port");
  return {
    hostname: get("HOSTNAME"),
    port,
    staticEndpoints: list(values.get("PEER_RELAY_STATIC_ENDPOINTS")),
    tags: list(values.get("PEER_RELAY_TAGS")),
    tailscaleVersion: get("TAILSCALE_VERSION"),
    ...(values.get("PEER_RELAY_LOGIN_SERVER") ? { loginServer: values.get("PEER_RELAY_LOGIN_SERVER") } : {}),
    auth: readAuth(get),
  };
}

function readAuth(get: (key: string) => string): RelayAuth {
  const kind = get("AUTH");
  switch (kind) {
    case "parameter":
    case "oauth-parameter":
      return { kind: "parameter", name: get("PARAMETER"), oauthClient: kind === "oauth-parameter" };
    case "workload-identity":
      return { kind, clientId: get("CLIENT_ID"), audience: get("AUDIENCE") };
    case "file":
      return { kind, path: get("KEY_FILE") };
    default:
      throw new Error("PEER_RELAY_AUTH is not one of parameter, oauth-parameter, workload-identity, file");
  }
}

/**
 * Reads `KEY='value'` lines as both a shell's `.` and systemd's `EnvironmentFile=` do: comments, blank lines, quoted
 * and bare pieces side by side. What only a shell would expand (`$`, backquotes outside single quotes) is refused.
 */
export function parseEnvFile(text: string): Map<string, string> {
  const values = new Map<string, string>();
  text.split("\n").forEach((line, i) => {
    if (/^\s*(#|$)/.test(line)) return;
    const match = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line);
    const value = match?.[2] === undefined ? undefined : unquote(match[2].trimEnd());
    if (!match?.[1] || value === undefined)
      throw new Error(`${relayEnvPath}: line ${i + 1} is not KEY='value'`);
    values.set(match[1], value);
  });
  return values;
}

function unquote(text: string): string | undefined {
  const piece = /'([^']*)'|"((?:[^"\\$`]|\\["\\$`])*)"|\\(.)|([^\s'"\\$`;&|<>()]+)/y;
  let value = "";
  while (piece.lastIndex < text.length) {
    const match = piece.exec(text);
    if (!match) return undefined;
    value += match[1] ?? match[2]?.replace(/\\(.)/g, "$1") ?? match[3] ?? match[4] ?? "";
  }
  return value;
}

function list(text: string | undefined): string[] {
  return (text ?? "").split(",").filter((part) => part !== "");
}
