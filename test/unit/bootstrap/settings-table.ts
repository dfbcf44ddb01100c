import type { BootstrapAuth, BootstrapInstall, BootstrapSettings } from "../../../components/bootstrap";

/** A usual relay: Debian packages, auth key in a parameter, one tag. */
export const usual: BootstrapSettings = {
  hostname: "prod-eu-relay-203-0-113-30",
  port: 40000,
  staticEndpoints: ["203.0.113.30:40000"],
  tags: ["tag:relay"],
  tailscaleVersion: "1.102.3",
  install: { kind: "packages" },
  auth: { kind: "parameter", name: "/peer-relay/prod-eu/auth", oauthClient: false },
  tailscaleSsh: false,
  ssmAgent: false,
};

export const tarball: BootstrapInstall = {
  kind: "tarball",
  url: "https://mirror.example/tailscale_1.102.3_arm64.tgz",
  sha256: "0123456789abcdef".repeat(4),
};

export const workloadIdentity: BootstrapAuth = {
  kind: "workloadIdentity",
  clientId: "kEXAMPLE",
  audience: "api.tailscale.com/kEXAMPLE",
};

export const oauth: BootstrapAuth = { kind: "parameter", name: "/peer-relay/oauth", oauthClient: true };

const installs: BootstrapInstall[] = [
  { kind: "packages" },
  { kind: "packages", mirror: "https://mirror.example/tailscale/" },
  tarball,
];
const auths: BootstrapAuth[] = [
  usual.auth,
  { kind: "parameter", name: "relay", oauthClient: false, endpoint: "https://vpce.example" },
  oauth,
  workloadIdentity,
  { kind: "file", path: "/run/peer-relay-key" },
];
const tagLists = [[], ["tag:relay", "tag:prod"]];
const endpointLists = [[], ["203.0.113.30:40000", "[2001:db8::1]:40000"]];
const loginServers = [undefined, "https://headscale.example"];

/** Every combination of options, also those that cannot work. */
export function allCombinations(): BootstrapSettings[] {
  let all: BootstrapSettings[] = [usual];
  const cross = <T>(
    values: T[],
    apply: (settings: BootstrapSettings, value: T) => BootstrapSettings,
  ): void => {
    all = all.flatMap((settings) => values.map((value) => apply(settings, value)));
  };
  cross(installs, (s, install) => ({ ...s, install }));
  cross(auths, (s, auth) => ({ ...s, auth }));
  cross(tagLists, (s, tags) => ({ ...s, tags }));
  cross(endpointLists, (s, staticEndpoints) => ({ ...s, staticEndpoints }));
  cross(loginServers, (s, loginServer) => (loginServer === undefined ? s : { ...s, loginServer }));
  cross([false, true], (s, tailscaleSsh) => ({ ...s, tailscaleSsh }));
  cross([false, true], (s, ssmAgent) => ({ ...s, ssmAgent }));
  return all;
}

/** Tailscale joins with an OAuth client secret or a workload identity only as a tagged device. */
export const canWork = (s: BootstrapSettings): boolean =>
  s.tags.length > 0 || s.auth.kind === "file" || (s.auth.kind === "parameter" && !s.auth.oauthClient);
