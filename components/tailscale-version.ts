/** What is known of tailscale's versions as relays; each number is from tailscale's own history. */

export type Version = [major: number, minor: number, patch: number];

/** The version as numbers; undefined when it is not exactly `major.minor.patch`. */
export function parseVersion(text: unknown): Version | undefined {
  const match = typeof text === "string" ? /^(\d{1,4})\.(\d{1,4})\.(\d{1,4})$/.exec(text) : null;
  return match ? [Number(match[1]), Number(match[2]), Number(match[3])] : undefined;
}

export function atLeast(version: Version, minor: number, patch = 0): boolean {
  const [major, ownMinor, ownPatch] = version;
  return major > 1 || (major === 1 && (ownMinor > minor || (ownMinor === minor && ownPatch >= patch)));
}

/** First version with a usable relay server. */
export const RELAY_SINCE = "1.86.0";
/** First version with `--relay-server-static-endpoints`. */
export const STATIC_ENDPOINTS_SINCE = 92;
/** First version whose `up` takes `--client-id --audience`. */
export const WORKLOAD_IDENTITY_SINCE = 94;

/** Why a version must not be a relay, or nothing. */
export function refusal(version: Version): string | undefined {
  if (!atLeast(version, 86)) return `be at least ${RELAY_SINCE}: earlier ones have no usable peer relay`;
  const [major, minor, patch] = version;
  const wedges = major === 1 && ((minor === 98 && patch <= 7) || (minor === 100 && patch === 0));
  if (wedges) {
    return "not be 1.98.0 to 1.98.7 or 1.100.0: they get stuck on DERP after a peer restarts (tailscale#20215), use 1.102.0 or later";
  }
  return undefined;
}
