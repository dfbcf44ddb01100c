import { nobody } from "./marker";
import { PolicyError } from "./policy-error";

/** Tag -> who may put it on a device (users, groups, autogroups, or tags: an OAuth client's tag belongs here). */
export type TagOwners = Record<string, string[]>;

/** One grant, written exactly as it stands here and in this order of keys. */
export interface Grant {
  src: string[];
  dst: string[];
  app?: Record<string, unknown[]>;
  ip?: string[];
}

/**
 * What one owner has in the tailnet's policy file. The owner's name is the unit: adding a fragment makes the owner's
 * part of the file exactly this fragment. Two resources that write at different times need two names, say
 * `shop/prod/relay` for the grants and `shop/prod/relay/tags` for the tag owners.
 */
export interface PolicyFragment {
  /** `project/stack/component[/part]`: no spaces, at most 200 characters; stands in the marker comments. */
  owner: string;
  grants: Grant[];
  tagOwners: TagOwners;
}

/** What {@link relayPolicyFragment} is made from. */
export interface RelayPolicyArgs {
  /** See {@link PolicyFragment.owner}. */
  owner: string;
  /** Who may use the relay: the grants' `src`. A client asks every relay it is granted, so keep it regional. */
  clients: string[];
  /** The relay: its tags, or its Tailscale IP addresses when it has no tag. The grants' `dst`. */
  relay: string[];
  /** Second grant: `ip` access from the clients, for instance `["*"]`. @default none; relaying does not need it. */
  ipAccess?: string[];
  /** `dst` of that second grant. @default the relay itself; the article's method 1 has `["*"]`. */
  ipAccessTo?: string[];
  /** Entries to have in `tagOwners`; one that exists already is left as it is. @default none */
  tagOwners?: TagOwners;
  /** False is the kill switch: no grants, the tag owners stay. @default true */
  enabled?: boolean;
}

/** The capability that lets `src` allocate sessions on the relay `dst` (tailscale/tailcfg: PeerCapabilityRelay). */
export function relayCapability(): string {
  return "tailscale.com/cap/relay";
}

/**
 * The fragment for one relay.
 *
 * @throws PolicyError `invalid-fragment`, all bad values at once.
 */
export function relayPolicyFragment(args: RelayPolicyArgs): PolicyFragment {
  const lists = {
    clients: args.clients,
    relay: args.relay,
    ipAccess: args.ipAccess,
    ipAccessTo: args.ipAccessTo,
  };
  const issues = Object.entries(lists)
    .filter(([name, value]) => !Array.isArray(value) && (value !== undefined || /clients|relay/.test(name)))
    .map(([name, value]) => `${name} must be a list, got ${JSON.stringify(value)}`);
  if (issues.length > 0) {
    throw new PolicyError("invalid-fragment", ["invalid policy fragment:", ...issues].join("\n  "));
  }
  const grants: Grant[] = [
    { src: [...args.clients], dst: [...args.relay], app: { [relayCapability()]: [] } },
    ...(args.ipAccess === undefined
      ? []
      : [{ src: [...args.clients], dst: [...(args.ipAccessTo ?? args.relay)], ip: [...args.ipAccess] }]),
  ];
  const tagOwners = Object.fromEntries(Object.entries(args.tagOwners ?? {}).map(([tag, o]) => [tag, [...o]]));
  const fragment = { owner: args.owner, grants, tagOwners };
  checkFragment(fragment);
  return args.enabled === false ? { ...fragment, grants: [] } : fragment;
}

/**
 * Checks what the server would refuse, or what could not stand in a marker.
 *
 * @throws PolicyError `invalid-fragment`, all bad values at once.
 */
export function checkFragment(fragment: PolicyFragment): void {
  const issues = [
    ...ownerIssues(fragment.owner),
    ...fragment.grants.flatMap((grant, i) => grantIssues(`grants[${i}]`, grant)),
    ...Object.entries(fragment.tagOwners).flatMap(([tag, owners]) => tagOwnerIssues(tag, owners)),
  ];
  if (issues.length > 0) {
    throw new PolicyError("invalid-fragment", ["invalid policy fragment:", ...issues].join("\n  "));
  }
}

/** What is wrong with an owner's name; empty when it may stand in a marker. */
export function ownerIssues(owner: unknown): string[] {
  // Anything invisible, and anything that turns text around, could hide what a marker says.
  return typeof owner === "string" && /^[^\s\p{C}\p{Z}]{1,200}$/u.test(owner) && owner !== nobody()
    ? []
    : [
        `owner must be 1 to 200 visible characters without spaces and not "${nobody()}", got ${JSON.stringify(owner)}`,
      ];
}

function grantIssues(path: string, grant: Grant): string[] {
  const extra = Object.keys(grant).filter((key) => !["src", "dst", "app", "ip"].includes(key));
  return [
    ...extra.map((key) => `${path}.${key} is not supported, allowed are src, dst, app and ip`),
    ...selectorIssues(`${path}.src`, grant.src, false),
    ...selectorIssues(`${path}.dst`, grant.dst, false),
    ...(grant.ip === undefined ? [] : selectorIssues(`${path}.ip`, grant.ip, false)),
    ...(grant.app === undefined ? [] : appIssues(`${path}.app`, grant.app)),
    ...(grant.app === undefined && grant.ip === undefined
      ? [`${path} must have app or ip, or both: it would grant nothing`]
      : []),
  ];
}

function appIssues(path: string, app: Record<string, unknown[]>): string[] {
  const names = Object.keys(app);
  return [
    ...(names.length === 0 ? [`${path} must name at least one capability`] : []),
    ...names
      .filter((name) => !/^[\x21-\x7e]+$/.test(name) || !Array.isArray(app[name]))
      .map(
        (name) =>
          `${path} must map a capability name to a list, got ${JSON.stringify({ [name]: app[name] })}`,
      ),
  ];
}

function tagOwnerIssues(tag: string, owners: string[]): string[] {
  return [
    ...(isTag(tag) ? [] : [`tagOwners key must be ${tagSyntax()}, got ${JSON.stringify(tag)}`]),
    ...selectorIssues(`tagOwners[${JSON.stringify(tag)}]`, owners, true),
  ];
}

/** `src`, `dst`, `ip` and owners are lists of names; only what a tag looks like is known for sure. */
function selectorIssues(path: string, list: unknown, mayBeEmpty: boolean): string[] {
  if (!Array.isArray(list) || (list.length === 0 && !mayBeEmpty)) {
    return [`${path} must be a list with at least one entry, got ${JSON.stringify(list)}`];
  }
  return (list as unknown[]).flatMap((entry, i) => {
    const got = `got ${JSON.stringify(entry)}`;
    if (typeof entry !== "string" || !/^[^\p{C}\p{Z}](?:[^\p{C}]*[^\p{C}\p{Z}])?$/u.test(entry)) {
      return [`${path}[${i}] must be a text without control characters or spaces around it, ${got}`];
    }
    return entry.startsWith("tag:") && !isTag(entry) ? [`${path}[${i}] must be ${tagSyntax()}, ${got}`] : [];
  });
}

/** tailscale/tailcfg CheckTag: a letter first, then letters, digits and dashes. */
function isTag(text: string): boolean {
  return /^tag:[A-Za-z][A-Za-z0-9-]*$/.test(text);
}

function tagSyntax(): string {
  return '"tag:" and a name that starts with a letter and has only letters, digits and dashes';
}
