/** What a relay host must become; all of it is public except what `auth` points to. */
export interface BootstrapSettings {
  /** Name of the device in the tailnet: one DNS label. */
  hostname: string;
  /** UDP port that the relay serves on, 1 to 65535. */
  port: number;
  /** Addresses announced beside those that tailscaled finds, as `203.0.113.30:40000` or `[2001:db8::1]:40000`. */
  staticEndpoints: string[];
  /** Tags to advertise; none for a device that its user owns. */
  tags: string[];
  /** Exact tailscale version, for example `1.102.3`. */
  tailscaleVersion: string;
  install: BootstrapInstall;
  auth: BootstrapAuth;
  /** URL of another control server (headscale). @default Tailscale's own */
  loginServer?: string;
  /** Turns Tailscale SSH on; who may use it stays with the tailnet's policy file. */
  tailscaleSsh: boolean;
  /** Installs and starts the AWS Systems Manager agent. */
  ssmAgent: boolean;
}

/** Where tailscale comes from. */
export type BootstrapInstall =
  | {
      /** The vendor's apt or dnf repository: Debian, Ubuntu, Amazon Linux 2023. */
      kind: "packages";
      /** Base URL of a mirror with the vendor's layout and signatures. @default `https://pkgs.tailscale.com/stable` */
      mirror?: string;
    }
  | {
      /** An archive in the layout of Tailscale's static builds, for any distribution with systemd. */
      kind: "tarball";
      /** http(s) URL. It lies in user data in clear: no credentials in it. */
      url: string;
      /** SHA-256 of the archive, 64 hex digits. */
      sha256: string;
    };

/** How the host proves to Tailscale that it may join. */
export type BootstrapAuth =
  | {
      /** An SSM SecureString, read with the instance's role; the region is learnt from instance metadata. */
      kind: "parameter";
      name: string;
      /** URL that stands in for `https://ssm.<region>.<domain>`, for example of a VPC endpoint. */
      endpoint?: string;
      /** True when the parameter holds an OAuth client secret (`tskey-client-...`) instead of an auth key. */
      oauthClient: boolean;
    }
  | { kind: "workloadIdentity"; clientId: string; audience: string }
  | {
      /** A file that someone puts on the host (on a tmpfs, mode 0600); deleted once it has been used. */
      kind: "file";
      path: string;
    };

/** Settings that cannot be rendered: every reason in one message, or the size that does not fit. */
export class BootstrapError extends Error {
  override readonly name = "BootstrapError";
}

/** The vendor's package repository. */
export const PACKAGES_URL = "https://pkgs.tailscale.com/stable";

const isHttpUrl = (text: string): boolean => /^https?:\/\/[^\s/]+/.test(text);

function installIssues(install: BootstrapInstall): string[] {
  if (install.kind === "packages") {
    return install.mirror === undefined || isHttpUrl(install.mirror)
      ? []
      : [`install.mirror must be an http(s) URL, got ${JSON.stringify(install.mirror)}`];
  }
  return [
    ...(isHttpUrl(install.url)
      ? []
      : [`install.url must be an http(s) URL, got ${JSON.stringify(install.url)}`]),
    ...(/^[0-9a-f]{64}$/i.test(install.sha256)
      ? []
      : [`install.sha256 must be 64 hex digits, got ${JSON.stringify(install.sha256)}`]),
  ];
}

function authIssues({ auth, tags }: BootstrapSettings): string[] {
  const needsTags = auth.kind === "workloadIdentity" || (auth.kind === "parameter" && auth.oauthClient);
  const issues =
    needsTags && tags.length === 0
      ? [`tags must not be empty: tailscale joins with ${authName(auth)} only as a tagged device`]
      : [];
  if (auth.kind === "file" && !auth.path.startsWith("/")) {
    issues.push(`auth.path must be absolute, got ${JSON.stringify(auth.path)}`);
  }
  if (auth.kind === "parameter" && auth.endpoint !== undefined && !isHttpUrl(auth.endpoint)) {
    issues.push(`auth.endpoint must be an http(s) URL, got ${JSON.stringify(auth.endpoint)}`);
  }
  return issues;
}

function authName(auth: BootstrapAuth): string {
  return auth.kind === "workloadIdentity" ? "workload identity" : "an OAuth client secret";
}

/**
 * Refuses what could not work on the host. Values are quoted wherever they go, so this is about meaning, not safety.
 * @throws {BootstrapError} with all reasons
 */
export function checkSettings(settings: BootstrapSettings): void {
  const { hostname, port, tailscaleVersion, loginServer } = settings;
  const issues: string[] = [];
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(hostname)) {
    issues.push(
      `hostname must be a DNS label of at most 63 lower-case characters, got ${JSON.stringify(hostname)}`,
    );
  }
  if (!Number.isInteger(port) || port < 1 || port > 65535)
    issues.push(`port must be 1 to 65535, got ${port}`);
  if (!/^\d+\.\d+\.\d+$/.test(tailscaleVersion)) {
    issues.push(`tailscaleVersion must be like 1.102.3, got ${JSON.stringify(tailscaleVersion)}`);
  }
  if (loginServer !== undefined && !isHttpUrl(loginServer)) {
    issues.push(`loginServer must be an http(s) URL, got ${JSON.stringify(loginServer)}`);
  }
  issues.push(...installIssues(settings.install), ...authIssues(settings));
  if (issues.length > 0) throw new BootstrapError(["invalid BootstrapSettings:", ...issues].join("\n  "));
}
