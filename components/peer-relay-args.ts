import type { Input } from "@pulumi/pulumi";

/** Operating systems that the bootstrap is made for. */
export type RelayOs = "debian" | "ubuntu" | "amazon-linux";

/** Workload identity: the host proves who it is with its instance role; there is no secret at all. */
export interface WorkloadIdentity {
  /** Id of the federated identity in the tailnet's trust credentials. */
  clientId: string;
  /** Audience of the token that AWS signs, as configured there. */
  audience: string;
}

/** A tailscale build from a mirror instead of the vendor's package repository. */
export interface TarballInstall {
  /** `http(s)` address of the archive in the vendor's layout (`tailscale_<version>_<arch>.tgz`). */
  tarball: string;
  /** Its SHA-256, 64 hexadecimal digits. An archive with another one is not unpacked. */
  sha256: string;
}

/**
 * Arguments of {@link PeerRelay}. `Input` where the value may come from another resource; plain where it is validated
 * or decides which resources there are.
 */
export interface PeerRelayArgs {
  /**
   * Who may use the relay: the grant's `src`, e.g. `["tag:laptop"]`, `["group:eng"]` or, for the whole tailnet, `["*"]`
   * (warned of: each client asks every relay that it is granted, for every peer). One side of a connection is enough.
   */
  clients: string[];
  /**
   * The article's second rule: protocols and ports, e.g. `["*"]` or `["tcp:22"]`, on which the same clients may reach
   * {@link ipAccessTo}. Relaying does not need it.
   * @default none: no such rule
   */
  ipAccess?: string[];
  /**
   * Destinations of the {@link ipAccess} rule. The article's method 1 has `["*"]` here.
   * @default the relay itself
   */
  ipAccessTo?: string[];
  /**
   * Who writes the policy file. `merge`: `up` writes this relay's part into the tailnet's policy file and `destroy`
   * takes it out. `emit`: nothing is read or written; put the output `policyFragment` into the file yourself. The tag
   * must then have its owner in the file before `up`.
   * @default "merge"
   */
  policy?: "merge" | "emit";
  /**
   * Kill switch. `false` takes the grant out of the policy file and closes the relay port in the security group; the
   * VM, its address and its device stay. Sessions that already run may go on for minutes, because both AWS and
   * tailscale keep established flows.
   * @default true
   */
  enabled?: boolean;
  /**
   * A policy file with neither `acls` nor `grants` lets everything through, and its first grant denies all else.
   * `false`: `up` stops there and says what to add. `true`: a rule that allows everything is added beside the grant,
   * and taken out again with it. If somebody adds `acls` or a grant with `ip` later, that rule overrides theirs: a
   * refresh then shows a drift, and each `up` that writes the grant, and the `destroy` of the last relay, stops until
   * somebody deletes the rule from the file, or its marker comment only, to keep it. It is not taken out by itself,
   * because people may still live by it, whatever the new rules were meant for. The kill switch goes through.
   * @default false
   */
  keepAllowAll?: boolean;
  /**
   * Overwrite (and on destroy remove) this relay's part of the policy file although somebody edited it by hand.
   * @default false: stop and show the difference
   */
  forcePolicy?: boolean;

  /**
   * UDP port of the relay, 1024 to 65535, not 41641 (tailscaled's own). Below 20000 is warned of: low ports are blocked
   * more often. A change replaces the VM, because the port is part of its user data; the Elastic IP stays.
   * @default 40000
   */
  port?: number;
  /**
   * CIDR blocks, IPv4 and IPv6, from which the relay port is open. With the default, AWS does not track these flows; a
   * narrower list makes them tracked, and the instance's connection-tracking limit applies (warned of).
   * @default ["0.0.0.0/0", "::/0"]
   */
  allowedCidrs?: string[];
  /**
   * Also open 41641/udp, from the same {@link allowedCidrs}, for direct connections to the relay host itself (not needed
   * to relay).
   * @default false
   */
  directPath?: boolean;
  /**
   * Where the VM stands. `default`: the default VPC's default subnet. `create`: a dual-stack VPC of its own with one
   * public subnet, for accounts that have no default VPC. Not together with {@link subnetId}. A change replaces the VM.
   * @default "default"
   */
  network?: "default" | "create";
  /** A subnet of yours; its route table must have a route to an internet gateway. A change replaces the VM. */
  subnetId?: Input<string>;
  /**
   * Availability zone, e.g. `eu-central-1a`; in the default VPC one with a default subnet. Not together with
   * {@link subnetId}, which decides it. A change replaces the VM.
   * @default AWS's choice
   */
  availabilityZone?: Input<string>;
  /**
   * Give the VM an IPv6 address too and open the port for IPv6. The subnet must have an IPv6 block, which AWS's default
   * subnets have not; without {@link availabilityZone} all of them must. A change replaces the VM.
   * @default false
   */
  ipv6?: boolean;

  /**
   * EC2 instance type; arm64 or x86_64 is told from it. Its network bandwidth is the relay's bottleneck. A change
   * within one architecture stops and starts the VM; to the other one replaces it.
   * @default "t4g.small"
   */
  instanceType?: string;
  /**
   * Operating system; its newest image is looked up in AWS's public parameters when the relay is created, and then kept.
   * A change replaces the VM. Debian is the one that the tests boot.
   * @default "debian"
   */
  os?: RelayOs;
  /** An image of yours instead (Debian, Ubuntu or Amazon Linux 2023, with cloud-init). A change replaces the VM. */
  amiId?: Input<string>;
  /**
   * Size of the encrypted gp3 root volume in GiB, 8 to 16384. It grows in place and cannot shrink.
   * @default 8
   */
  rootVolumeGib?: number;
  /**
   * AWS tags for everything that is created, beside `Name` and `peer-relay:owner`; at most 48.
   * @default none
   */
  resourceTags?: Record<string, string>;

  /**
   * An auth key of yours (`tskey-auth-...`); a secret. Must be preauthorized, and carry {@link tags}. At most one of
   * `authKey`, `oauthClientSecret` and `workloadIdentity` may be given.
   * @default a single-use, preauthorized, tagged key that lives for {@link keyExpirySeconds}
   */
  authKey?: Input<string>;
  /** An OAuth client's secret (`tskey-client-...`) with the scope `auth_keys`; a secret. Needs {@link tags}. */
  oauthClientSecret?: Input<string>;
  /**
   * Join with the instance's own identity. Needs tailscale >= 1.94, {@link tags}, and outbound web identity federation
   * turned on in the AWS account.
   */
  workloadIdentity?: WorkloadIdentity;
  /**
   * Life of the minted auth key in seconds, 300 to 7776000 (90 days). It is used once, minutes after it was made.
   * @default 3600
   */
  keyExpirySeconds?: number;

  /**
   * Tags of the relay (the article's method 2). `[]` makes an untagged relay (method 1): Taildrop keeps working, the
   * grant names the relay's Tailscale IP, key expiry is turned off; the credential must be a user's API key, not an
   * OAuth client. A change replaces the VM.
   * @default ["tag:relay"]
   */
  tags?: string[];
  /**
   * Owners of the tags in the policy file, where the file does not own them yet; an existing entry is never edited.
   * Does an OAuth client make the key, then its own tag belongs here. The article has `["autogroup:member"]`.
   * @default ["autogroup:admin"]
   */
  tagOwners?: string[];
  /**
   * Name of the relay in the tailnet: a-z, 0-9 and `-`, at most 47 characters; the Elastic IP is appended
   * (`relay-203-0-113-30`), so that no two relays can be taken for one another. A change replaces the VM.
   * @default "<stack>-<name>"
   */
  hostname?: string;

  /**
   * tailscale's version, exact. At least 1.86.0, the first with a usable relay; 1.98.0 to 1.98.7 and 1.100.0 are
   * refused: they get stuck on DERP after a peer restarts (tailscale#20215). Before 1.92 there are no static endpoints,
   * so the relay must find its own address. A change replaces the VM.
   * @default "1.102.3"
   */
  version?: string;
  /**
   * Install from this archive instead of the vendor's package repository. A change replaces the VM.
   * @default the vendor's package repository
   */
  install?: TarballInstall;
  /**
   * More endpoints (`203.0.113.9:40000`, `[2001:db8::9]:40000`) that clients are told, beside the Elastic IP. Needs
   * tailscale >= 1.92. A change replaces the VM.
   * @default none
   */
  staticEndpoints?: string[];
  /**
   * Turn Tailscale SSH on. Who may log in is the `ssh` section of the policy file, which stays yours. A change replaces
   * the VM.
   * @default false
   */
  tailscaleSsh?: boolean;
  /**
   * Install the SSM agent and give the role what Session Manager needs. A change replaces the VM.
   * @default false
   */
  ssm?: boolean;
  /**
   * Control server other than Tailscale's, `http(s)://...`, without user name and password. Devices are still looked up in
   * the Tailscale API (`tailscale:baseUrl`), which has to know the same tailnet. A change replaces the VM.
   * @default Tailscale's
   */
  loginServer?: string;
  /**
   * Where the host fetches its parameter, `http(s)://...`, e.g. a VPC endpoint. A change replaces the VM.
   * @default the region's SSM endpoint
   */
  ssmEndpoint?: string;
  /**
   * Seconds that `up` waits for the relay to be online in the tailnet, 30 to 3600.
   * @default 600
   */
  readyTimeoutSeconds?: number;
}

/** Defaults of {@link PeerRelayArgs}. */
export const DEFAULTS = {
  ipAccess: [] as string[],
  policy: "merge" as "merge" | "emit",
  enabled: true,
  keepAllowAll: false,
  forcePolicy: false,
  port: 40000,
  allowedCidrs: ["0.0.0.0/0", "::/0"],
  directPath: false,
  network: "default" as "default" | "create",
  ipv6: false,
  instanceType: "t4g.small",
  os: "debian" as RelayOs,
  rootVolumeGib: 8,
  resourceTags: {} as Record<string, string>,
  keyExpirySeconds: 3600,
  tags: ["tag:relay"],
  tagOwners: ["autogroup:admin"],
  version: "1.102.3",
  staticEndpoints: [] as string[],
  tailscaleSsh: false,
  ssm: false,
  readyTimeoutSeconds: 600,
};

/** {@link PeerRelayArgs} with every default filled in. */
export type ResolvedArgs = PeerRelayArgs & typeof DEFAULTS & { hostname: string };
