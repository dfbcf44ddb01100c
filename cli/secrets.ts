import { CliError } from "./errors";

const SECRET_VARIABLES = [
  "TAILSCALE_API_KEY",
  "TAILSCALE_OAUTH_CLIENT_SECRET",
  "TAILSCALE_IDENTITY_TOKEN",
  "HEADSCALE_API_KEY",
];

/**
 * A text for the user without any secret that we were given: servers and proxies echo what they refuse, and people
 * type keys where none belong.
 */
export function redact(text: string, env: NodeJS.ProcessEnv): string {
  const secrets = secretNames(env).flatMap((name) => env[name]?.trim() || []);
  return [...secrets]
    .sort((a, b) => b.length - a.length)
    .reduce((result, secret) => result.replaceAll(secret, "***"), text)
    .replace(/tskey-[A-Za-z0-9-]+/g, "tskey-***");
}

/**
 * What cannot stand in a header is refused here: Node's own error would show it.
 * @throws CliError `credentials`, with the variable's name
 */
export function checkSecrets(env: NodeJS.ProcessEnv): void {
  const wrong = secretNames(env).filter((name) => !/^[\x21-\x7e]*$/.test(env[name] ?? ""));
  if (wrong.length > 0) {
    throw new CliError(
      "credentials",
      `${wrong.join(" and ")} must be one word of visible ASCII characters (the value is a secret and not shown)`,
    );
  }
}

function secretNames(env: NodeJS.ProcessEnv): string[] {
  const other = env["TAILSCALE_IDENTITY_TOKEN_ENVIRONMENT_VARIABLE_NAME"];
  return [...SECRET_VARIABLES, ...(other ? [other] : [])];
}
