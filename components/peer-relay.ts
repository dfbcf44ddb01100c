import { createHash, randomBytes } from "crypto";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { relayFirewall } from "./aws/firewall";
import { relayImage } from "./aws/image";
import { instanceProfile } from "./aws/instance-role";
import { joinSecret, makesKey } from "./aws/join-secret";
import { KeptValue } from "./aws/kept-value";
import { relayNetwork } from "./aws/network";
import { BootstrapSettings, renderUserData } from "./bootstrap";
import type { PeerRelayArgs, ResolvedArgs } from "./peer-relay-args";
import { PolicyFragment, relayPolicyFragment } from "./policy";
import { PolicyFragmentResource } from "./policy/resource";
import { resolveArgs, warningsFor } from "./resolve-args";
import { Enrollment } from "./tailnet/enrollment";
import { RelayDevice } from "./tailnet/relay-device";
import { atLeast, parseVersion, STATIC_ENDPOINTS_SINCE } from "./tailscale-version";

/**
 * A Tailscale peer relay in AWS: a VM with an Elastic IP, its security group, its bootstrap, and its grant in the
 * tailnet's policy file. `up` ends when the relay is online in the tailnet, or fails and says why.
 *
 * Order on create: tag owners in the policy file, Elastic IP, enrollment, auth key, parameter, VM, address
 * association, device online, grant. The grant comes last, because a client that tries a relay that does not serve yet
 * waits half a minute before it tries again. Destroy goes the other way: grant, VM, parameter, key, device, tag owners.
 *
 * Credentials for the policy file and the device list come from the stack's `tailscale:` config or the `TAILSCALE_*`
 * variables; an explicit `tailscale.Provider` is used for the auth key only.
 *
 * @example
 * ```ts
 * const relay = new PeerRelay("relay", { clients: ["tag:laptop"] });
 * export const endpoint = relay.endpoint;
 * ```
 */
export class PeerRelay extends pulumi.ComponentResource {
  /** The relay's Elastic IP. */
  readonly publicIp: pulumi.Output<string>;
  /** Its IPv6 address; undefined without `ipv6`. */
  readonly publicIpv6: pulumi.Output<string | undefined>;
  /** What clients send to: `publicIp:port`, UDP. */
  readonly endpoint: pulumi.Output<string>;
  readonly instanceId: pulumi.Output<string>;
  readonly securityGroupId: pulumi.Output<string>;
  /** Node id of the relay's device in the Tailscale API. */
  readonly deviceId: pulumi.Output<string>;
  /** The relay's addresses in the tailnet, IPv4 first. */
  readonly tailscaleIps: pulumi.Output<string[]>;
  /** The relay's name in the tailnet. */
  readonly hostname: pulumi.Output<string>;
  /** What the policy file holds for this relay, or with `policy: "emit"` what you put there. */
  readonly policyFragment: pulumi.Output<PolicyFragment>;

  /**
   * @param name logical name, unique in the stack; with project and stack it is the owner's name in the policy file
   * @throws InvalidArgsError with every bad argument at once, before any resource exists
   */
  constructor(name: string, args: PeerRelayArgs, opts?: pulumi.ComponentResourceOptions) {
    checkPeerRelayArgs(name, args);
    const resolved = resolveArgs(name, pulumi.getStack(), args);
    const parameterName = parameterNameOf(name);
    // No inputs for the component itself: they would stand in the state, and some are secrets.
    super("peer-relay:index:PeerRelay", name, {}, opts);
    warningsFor(resolved).forEach((warning) => void pulumi.log.warn(warning, this));

    const owner = `${pulumi.getProject()}/${pulumi.getStack()}/${name}`;
    const tags = { Name: `peer-relay-${name}`, "peer-relay:owner": owner, ...resolved.resourceTags };

    const tagOwners = this.mergePolicy(`${name}-tag-owners`, resolved, tagOwnersFragment(owner, resolved));
    const network = relayNetwork(name, resolved, tags, this);
    const address = new aws.ec2.Eip(
      `${name}-address`,
      { domain: "vpc", tags },
      { parent: this, dependsOn: network.route },
    );
    const hostname = address.publicIp.apply((ip) => relayHostname(resolved.hostname, ip));
    const firewall = relayFirewall(name, resolved, network.vpcId, tags, this);
    const ami = relayImage(name, resolved, this);
    // Replaced by hand, it asks for another VM, and through that for another key.
    const generation = new KeptValue(
      `${name}-generation`,
      { key: "generation", value: randomBytes(4).toString("hex") },
      { parent: this },
    );
    // Part of the user data, so that whatever asks for another host replaces the VM: the AWS provider alone changes
    // some of it in place, and does not notice when a subnet or a zone is no longer given.
    const placement = pulumi
      .all([ami, network.subnetId, network.availabilityZone, resolved.ipv6, generation.value])
      .apply((parts) => shortHash(JSON.stringify(parts)));
    const userData = pulumi
      .all([address.publicIp, hostname, placement])
      .apply(([ip, host, where]) =>
        renderUserData(bootstrapSettings(resolved, parameterName, ip, host), `placement ${where}`),
      );
    const enrollment = new Enrollment(
      `${name}-enrollment`,
      {
        hostname,
        keepers: userData.apply(shortHash),
        // A provider of the user's own may have rights that the stack's credentials lack: it is not second-guessed.
        keyFor:
          makesKey(resolved) && !this.getProvider("tailscale:index/tailnetKey:TailnetKey")
            ? { tags: resolved.tags, tagOwners: resolved.tagOwners }
            : undefined,
        grantsFor:
          resolved.policy === "merge"
            ? { ...grantsOf(owner, resolved, [REHEARSED_IP]), keepAllowAll: resolved.keepAllowAll }
            : undefined,
      },
      // Replaced by hand, the old one must be gone first: what its end deletes is known by the same host name.
      { parent: this, dependsOn: tagOwners, deleteBeforeReplace: true },
    );
    const secret = joinSecret(
      name,
      { args: resolved, parameterName, serial: enrollment.serial, tags, dependsOn: tagOwners },
      this,
    );
    const role = instanceProfile(name, resolved, secret?.arn, tags, this);
    const vm = new aws.ec2.Instance(
      `${name}-vm`,
      {
        ami,
        instanceType: resolved.instanceType,
        subnetId: network.subnetId,
        availabilityZone: network.availabilityZone,
        vpcSecurityGroupIds: [firewall.id],
        iamInstanceProfile: role.profile.name,
        userData,
        userDataReplaceOnChange: true,
        ipv6AddressCount: resolved.ipv6 ? 1 : undefined,
        // The relay learns its public address from IMDS; with one hop, nothing behind it can.
        metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
        rootBlockDevice: { volumeType: "gp3", volumeSize: resolved.rootVolumeGib, encrypted: true },
        tags,
        volumeTags: tags,
      },
      {
        parent: this,
        // The old VM must be gone before the new one joins: they share the address and the host name.
        deleteBeforeReplace: true,
        dependsOn: [enrollment, role.policy, ...(secret ? [secret] : []), ...network.route],
      },
    );
    const association = new aws.ec2.EipAssociation(
      `${name}-address-association`,
      { instanceId: vm.id, allocationId: address.id },
      { parent: this },
    );
    const device = new RelayDevice(
      `${name}-device`,
      {
        hostname,
        tags: resolved.tags,
        serial: enrollment.serial,
        since: enrollment.since,
        formerHostnames: enrollment.formerHostnames,
        instanceId: vm.id,
        instanceType: resolved.instanceType,
        timeoutSeconds: resolved.readyTimeoutSeconds,
        hint: pulumi
          .all([vm.id, aws.getRegionOutput({}, { parent: this }).region])
          .apply(([instanceId, region]) => readinessHint(name, instanceId, region, makesKey(resolved))),
      },
      { parent: this, dependsOn: association },
    );
    // A tagged relay's grants do not depend on its addresses: previews show them, also of a device to come.
    const grants =
      resolved.tags.length > 0
        ? pulumi.output(grantsOf(owner, resolved, []))
        : device.tailscaleIps.apply((ips) => grantsOf(owner, resolved, ips));
    this.mergePolicy(`${name}-grant`, resolved, grants, [device]);

    this.publicIp = address.publicIp;
    this.publicIpv6 = vm.ipv6Addresses.apply((addresses) => (resolved.ipv6 ? addresses?.[0] : undefined));
    this.endpoint = pulumi.interpolate`${address.publicIp}:${resolved.port}`;
    this.instanceId = vm.id;
    this.securityGroupId = firewall.id;
    this.deviceId = device.deviceId;
    this.tailscaleIps = device.tailscaleIps;
    this.hostname = hostname;
    this.policyFragment = grants.apply((fragment) => ({
      ...fragment,
      tagOwners: tagOwnersFragment(owner, resolved).tagOwners,
    }));
    this.registerOutputs({
      publicIp: this.publicIp,
      publicIpv6: this.publicIpv6,
      endpoint: this.endpoint,
      instanceId: this.instanceId,
      securityGroupId: this.securityGroupId,
      deviceId: this.deviceId,
      tailscaleIps: this.tailscaleIps,
      hostname: this.hostname,
      policyFragment: this.policyFragment,
    });
  }

  /** The resource that keeps a fragment in the policy file; none with `policy: "emit"` or nothing to keep. */
  private mergePolicy(
    name: string,
    args: ResolvedArgs,
    fragment: pulumi.Output<PolicyFragment> | PolicyFragment,
    dependsOn: pulumi.Resource[] = [],
  ): pulumi.Resource[] {
    if (args.policy === "emit") return [];
    if (!pulumi.Output.isInstance(fragment) && Object.keys(fragment.tagOwners).length === 0) return [];
    const known = pulumi.output(fragment);
    const props = {
      owner: known.owner,
      grants: known.grants,
      tagOwners: known.tagOwners,
      keepAllowAll: args.keepAllowAll,
      force: args.forcePolicy,
    };
    return [new PolicyFragmentResource(name, props, { parent: this, dependsOn })];
  }
}

/**
 * Checks arguments as the constructor does, for a program that creates something else first.
 * @throws InvalidArgsError with every bad argument at once
 */
export function checkPeerRelayArgs(name: string, args: PeerRelayArgs): void {
  const resolved = resolveArgs(name, pulumi.getStack(), args);
  checkUserDataSize(resolved, parameterNameOf(name));
}

/** Where the relay's join secret lies; known before anything exists. */
function parameterNameOf(name: string): string {
  return `/peer-relay/${pulumi.getProject()}/${pulumi.getStack()}/${name}`;
}

/** The relay's name in the tailnet: the Elastic IP makes it one that no other device has. */
export function relayHostname(hostname: string, ip: string): string {
  return `${hostname}-${ip.replace(/\./g, "-")}`;
}

function tagOwnersFragment(owner: string, args: ResolvedArgs): PolicyFragment {
  const tagOwners = Object.fromEntries(args.tags.map((tag) => [tag, args.tagOwners]));
  return { owner: `${owner}/tags`, grants: [], tagOwners };
}

/** Stands for the address that an untagged relay has only when it is there. */
const REHEARSED_IP = "100.64.0.1";

/** The grants of a relay; an untagged one is named by its IPv4 address in the tailnet, as in the article's method 1. */
function grantsOf(owner: string, args: ResolvedArgs, tailscaleIps: string[]): PolicyFragment {
  return relayPolicyFragment({
    owner,
    clients: args.clients,
    relay: args.tags.length > 0 ? args.tags : tailscaleIps.slice(0, 1),
    ipAccess: args.ipAccess.length > 0 ? args.ipAccess : undefined,
    ipAccessTo: args.ipAccessTo,
    enabled: args.enabled,
  });
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

/** Renders once with the longest address there is: too large a user data must not come out only after the address. */
function checkUserDataSize(args: ResolvedArgs, parameterName: string): void {
  const ip = "255.255.255.255";
  const settings = bootstrapSettings(args, parameterName, ip, relayHostname(args.hostname, ip));
  renderUserData(settings, `placement ${shortHash("")}`);
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

function readinessHint(name: string, instanceId: string, region: string, ownKey: boolean): string {
  const again = ownKey
    ? `run \`pulumi up --replace '**::${name}-enrollment'\`: it makes a new auth key, and the relay tries again by itself.`
    : "put right what it joins with (authKey, oauthClientSecret or workloadIdentity) and run `pulumi up`: the relay tries again by itself.";
  return (
    `Instance ${instanceId}; its console: aws ec2 get-console-output --latest --output text --region ${region} ` +
    `--instance-id ${instanceId}. When the cause is gone, ${again}`
  );
}
