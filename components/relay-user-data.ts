import { createHash, randomBytes } from "crypto";
import * as pulumi from "@pulumi/pulumi";
import { KeptValue } from "./aws/kept-value";
import type { RelayNetwork } from "./aws/network";
import { BootstrapSettings, renderUserData } from "./bootstrap";
import type { ResolvedArgs } from "./peer-relay-args";
import { atLeast, parseVersion, STATIC_ENDPOINTS_SINCE } from "./tailscale-version";

/** What the user data says of the relay's surroundings. */
export interface RelayUserDataArgs {
  args: ResolvedArgs;
  /** The SSM parameter with the join secret. */
  parameterName: string;
  /** The Elastic IP. */
  ip: pulumi.Output<string>;
  /** The relay's name in the tailnet. */
  hostname: pulumi.Output<string>;
  image: pulumi.Output<string>;
  network: RelayNetwork;
}

/**
 * The VM's user data. Whatever asks for another host is a part of it, so that a change replaces the VM: the AWS provider
 * alone changes some of it in place, and does not notice when a subnet or a zone is no longer given.
 */
export function relayUserData(
  name: string,
  { args, parameterName, ip, hostname, image, network }: RelayUserDataArgs,
  parent: pulumi.Resource,
): pulumi.Output<string> {
  // Replaced by hand, it asks for another VM, and through that for another key.
  const generation = new KeptValue(
    `${name}-generation`,
    { key: "generation", value: randomBytes(4).toString("hex") },
    { parent },
  );
  const placement = [image, network.subnetId, network.availabilityZone, args.ipv6, generation.value];
  return pulumi
    .all([ip, hostname, pulumi.all(placement)])
    .apply(([address, host, where]) =>
      renderUserData(
        bootstrapSettings(args, parameterName, address, host),
        `placement ${shortHash(JSON.stringify(where))}`,
      ),
    );
}

/** Renders once with the longest address there is: too large a user data must not come out only after the address. */
export function checkUserDataSize(args: ResolvedArgs, parameterName: string): void {
  const ip = "255.255.255.255";
  const settings = bootstrapSettings(args, parameterName, ip, relayHostname(args.hostname, ip));
  renderUserData(settings, `placement ${shortHash("")}`);
}

/** The relay's name in the tailnet: the Elastic IP makes it one that no other device has. */
export function relayHostname(hostname: string, ip: string): string {
  return `${hostname}-${ip.replace(/\./g, "-")}`;
}

/** Tells one text from another in 16 hexadecimal digits. */
export function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

function bootstrapSettings(
  args: ResolvedArgs,
  parameterName: string,
  ip: string,
  hostname: string,
): BootstrapSettings {
  const version = parseVersion(args.version);
  const static4 = version && atLeast(version, STATIC_ENDPOINTS_SINCE) ? [`${ip}:${args.port}`] : [];
  return {
    hostname,
    port: args.port,
    staticEndpoints: [...static4, ...args.staticEndpoints],
    // Sorted: their order means nothing, and must not replace the VM.
    tags: [...args.tags].sort(),
    tailscaleVersion: args.version,
    install: args.install
      ? { kind: "tarball", url: args.install.tarball, sha256: args.install.sha256 }
      : { kind: "packages" },
    auth: args.workloadIdentity
      ? { kind: "workloadIdentity", ...args.workloadIdentity }
      : {
          kind: "parameter",
          name: parameterName,
          endpoint: args.ssmEndpoint,
          oauthClient: args.oauthClientSecret !== undefined,
        },
    loginServer: args.loginServer,
    tailscaleSsh: args.tailscaleSsh,
    ssmAgent: args.ssm,
  };
}
