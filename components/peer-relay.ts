import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { relayFirewall } from "./aws/firewall";
import { relayImage } from "./aws/image";
import { instanceProfile } from "./aws/instance-role";
import { joinSecret, makesKey } from "./aws/join-secret";
import { relayNetwork } from "./aws/network";
import { relayVm } from "./aws/vm";
import type { PeerRelayArgs, ResolvedArgs } from "./peer-relay-args";
import { PolicyFragment, relayPolicyFragment } from "./policy";
import { PolicyFragmentResource } from "./policy/resource";
import { checkProviderCode } from "./provider-code";
import { checkUserDataSize, relayHostname, relayUserData, shortHash } from "./relay-user-data";
import { resolveArgs, warningsFor } from "./resolve-args";
import { Enrollment } from "./tailnet/enrollment";
import { RelayDevice } from "./tailnet/relay-device";

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
   * @throws Error where Pulumi's provider process would not find this package, see {@link checkProviderCode}
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
    const tagOwners = tagOwnersOf(owner, resolved);
    const owned = this.mergePolicy(`${name}-tag-owners`, resolved, tagOwners);
    const network = relayNetwork(name, resolved, tags, this);
    const address = new aws.ec2.Eip(
      `${name}-address`,
      { domain: "vpc", tags },
      { parent: this, dependsOn: network.route },
    );
    const ip = address.publicIp;
    const hostname = ip.apply((known) => relayHostname(resolved.hostname, known));
    const firewall = relayFirewall(name, resolved, network.vpcId, tags, this);
    const image = relayImage(name, resolved, this);
    const common = { args: resolved, parameterName, tags };
    const userData = relayUserData(name, { ...common, ip, hostname, image, network }, this);
    const enrollment = this.enroll(name, resolved, owner, { hostname, userData, dependsOn: owned });
    const secret = joinSecret(name, { ...common, serial: enrollment.serial, dependsOn: owned }, this);
    const { profile, policy } = instanceProfile(name, resolved, secret?.arn, tags, this);
    const dependsOn = [enrollment, policy, ...(secret ? [secret] : []), ...network.route];
    const vm = relayVm(name, { ...common, image, network, firewall, profile, userData, dependsOn }, this);
    const association = new aws.ec2.EipAssociation(
      `${name}-address-association`,
      { instanceId: vm.id, allocationId: address.id },
      { parent: this },
    );
    const device = this.waitFor(name, resolved, { hostname, enrollment, vm, dependsOn: association });
    const grants = grantsWhenKnown(owner, resolved, device.tailscaleIps);
    this.mergePolicy(`${name}-grant`, resolved, grants, [device]);

    this.publicIp = ip;
    this.publicIpv6 = vm.ipv6Addresses.apply((addresses) => (resolved.ipv6 ? addresses?.[0] : undefined));
    this.endpoint = pulumi.interpolate`${ip}:${resolved.port}`;
    this.instanceId = vm.id;
    this.securityGroupId = firewall.id;
    this.deviceId = device.deviceId;
    this.tailscaleIps = device.tailscaleIps;
    this.hostname = hostname;
    this.policyFragment = grants.apply((fragment) => ({ ...fragment, tagOwners: tagOwners.tagOwners }));
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

  /** A life of the relay in the tailnet; what Tailscale would refuse later is tried first. */
  private enroll(
    name: string,
    args: ResolvedArgs,
    owner: string,
    host: {
      hostname: pulumi.Output<string>;
      userData: pulumi.Output<string>;
      dependsOn: pulumi.Resource[];
    },
  ): Enrollment {
    // A provider of the user's own may have rights that the stack's credentials lack: it is not second-guessed.
    const ownProvider = this.getProvider("tailscale:index/tailnetKey:TailnetKey") !== undefined;
    return new Enrollment(
      `${name}-enrollment`,
      {
        hostname: host.hostname,
        keepers: host.userData.apply(shortHash),
        keyFor: makesKey(args) && !ownProvider ? { tags: args.tags, tagOwners: args.tagOwners } : undefined,
        grantsFor:
          args.policy === "merge"
            ? { ...grantsOf(owner, args, [REHEARSED_IP]), keepAllowAll: args.keepAllowAll }
            : undefined,
      },
      // Replaced by hand, the old one must be gone first: what its end deletes is known by the same host name.
      { parent: this, dependsOn: host.dependsOn, deleteBeforeReplace: true },
    );
  }

  /** The relay as the tailnet sees it, when it is there. */
  private waitFor(
    name: string,
    args: ResolvedArgs,
    host: {
      hostname: pulumi.Output<string>;
      enrollment: Enrollment;
      vm: aws.ec2.Instance;
      dependsOn: pulumi.Resource;
    },
  ): RelayDevice {
    const { region } = aws.getRegionOutput({}, { parent: this });
    return new RelayDevice(
      `${name}-device`,
      {
        hostname: host.hostname,
        tags: args.tags,
        serial: host.enrollment.serial,
        since: host.enrollment.since,
        formerHostnames: host.enrollment.formerHostnames,
        instanceId: host.vm.id,
        instanceType: args.instanceType,
        timeoutSeconds: args.readyTimeoutSeconds,
        hint: pulumi
          .all([host.vm.id, region])
          .apply(([instanceId, where]) => readinessHint(name, instanceId, where, makesKey(args))),
      },
      { parent: this, dependsOn: host.dependsOn },
    );
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
 * @throws Error where Pulumi's provider process would not find this package, see {@link checkProviderCode}
 */
export function checkPeerRelayArgs(name: string, args: PeerRelayArgs): void {
  checkProviderCode();
  const resolved = resolveArgs(name, pulumi.getStack(), args);
  checkUserDataSize(resolved, parameterNameOf(name));
}

/** Where the relay's join secret lies; known before anything exists. */
function parameterNameOf(name: string): string {
  return `/peer-relay/${pulumi.getProject()}/${pulumi.getStack()}/${name}`;
}

function tagOwnersOf(owner: string, args: ResolvedArgs): PolicyFragment {
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

/** The same when the device is there; a tagged relay's do not depend on it, so that previews show them. */
function grantsWhenKnown(
  owner: string,
  args: ResolvedArgs,
  tailscaleIps: pulumi.Output<string[]>,
): pulumi.Output<PolicyFragment> {
  return args.tags.length > 0
    ? pulumi.output(grantsOf(owner, args, []))
    : tailscaleIps.apply((ips) => grantsOf(owner, args, ips));
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
