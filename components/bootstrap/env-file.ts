import { BootstrapError, PACKAGES_URL, type BootstrapAuth, type BootstrapSettings } from "./settings";

/**
 * Quotes a value for a file that both `sh` and systemd's EnvironmentFile read, to the same text.
 *
 * Single quotes keep everything but the single quote itself; systemd before 246 also took a backslash between single
 * quotes as an escape. Those two go between double quotes, where both agree. `'\''` would not do: systemd reads the
 * text after a closing quote as quoted only when it starts with a quote.
 * @throws {BootstrapError} for control characters, which systemd drops
 */
export function quoteEnvValue(value: string): string {
  if (/[\u0000-\u001f\u007f-\u009f\ud800-\udfff]/u.test(value)) {
    throw new BootstrapError(`a setting must not contain control characters, got ${JSON.stringify(value)}`);
  }
  const runs = value.match(/[^'\\]+|'+|\\+/g) ?? [""];
  return runs
    .map((run) => (run.startsWith("'") ? `"${run}"` : run.startsWith("\\") ? `"${run}${run}"` : `'${run}'`))
    .join("");
}

function authValues(auth: BootstrapAuth): Record<string, string> {
  switch (auth.kind) {
    case "parameter":
      return {
        AUTH: auth.oauthClient ? "oauth-parameter" : "parameter",
        PARAMETER: auth.name,
        SSM_ENDPOINT: auth.endpoint ?? "",
      };
    case "workloadIdentity":
      return { AUTH: "workload-identity", CLIENT_ID: auth.clientId, AUDIENCE: auth.audience };
    case "file":
      return { AUTH: "file", KEY_FILE: auth.path };
  }
}

/** Renders `/etc/peer-relay/relay.env`: every key in every file, empty when it does not apply. */
export function renderEnvFile(settings: BootstrapSettings): string {
  const { install } = settings;
  const values: Record<string, string> = {
    HOSTNAME: settings.hostname,
    PORT: String(settings.port),
    STATIC_ENDPOINTS: settings.staticEndpoints.join(","),
    TAGS: settings.tags.join(","),
    TAILSCALE_VERSION: settings.tailscaleVersion,
    PACKAGES_URL: (install.kind === "packages" && install.mirror ? install.mirror : PACKAGES_URL).replace(
      /\/+$/,
      "",
    ),
    TARBALL_URL: install.kind === "tarball" ? install.url : "",
    TARBALL_SHA256: install.kind === "tarball" ? install.sha256.toLowerCase() : "",
    AUTH: "",
    PARAMETER: "",
    SSM_ENDPOINT: "",
    CLIENT_ID: "",
    AUDIENCE: "",
    KEY_FILE: "",
    ...authValues(settings.auth),
    LOGIN_SERVER: settings.loginServer ?? "",
    TAILSCALE_SSH: String(settings.tailscaleSsh),
    SSM_AGENT: String(settings.ssmAgent),
  };
  return Object.entries(values)
    .map(([key, value]) => `PEER_RELAY_${key}=${quoteEnvValue(value)}\n`)
    .join("");
}
