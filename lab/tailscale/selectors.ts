import { parseNetwork } from "./addresses";
import type { Policy } from "./policy-shape";

const sourceAutogroups = [
  ...["member", "members", "tagged", "shared", "danger-all", "admin", "owner", "it-admin", "network-admin"],
  ...["billing-admin", "auditor"],
];

/** What is wrong with a tag's name, in the client library's words; undefined when it is fine. */
export function tagError(tag: string): string | undefined {
  const name = tag.slice("tag:".length);
  if (!tag.startsWith("tag:")) return "tags must start with 'tag:'";
  if (name === "") return "tag names must not be empty";
  if (!/^[a-z]/i.test(name)) return "tag names must start with a letter, after 'tag:'";
  if (!/^[a-z0-9-]*$/i.test(name)) return "tag names can only contain numbers, letters, or dashes";
  return undefined;
}

/** A person: an e-mail address or a login such as `alice@github`. `alice@` alone is headscale's, not Tailscale's. */
export function isUser(text: string): boolean {
  return /^[^@\s:]+@[^@\s:]+$/.test(text);
}

/**
 * What is wrong with a reference in `src`, `dst`, `target` and the like; undefined when it is fine.
 * A tag must stand in `tagOwners`, a group in `groups`, a plain name in `hosts`, and so on.
 */
export function referenceError(ref: string, policy: Policy, side: "src" | "dst"): string | undefined {
  if (ref === "*") return undefined;
  if (ref.startsWith("tag:")) return tagError(ref) ?? known("tag", ref, policy.tagOwners);
  if (ref.startsWith("group:")) return known("group", ref, policy.groups);
  if (ref.startsWith("ipset:")) return known("ipset", ref, policy.ipsets);
  if (ref.startsWith("autogroup:")) return autogroupError(ref, side);
  if (ref.startsWith("svc:")) return side === "dst" ? undefined : `invalid source: "${ref}"`;
  if (/^user:\*@[^@\s]+$/.test(ref) || isUser(ref) || isAddress(ref)) return undefined;
  return known("host", ref, policy.hosts);
}

/** An address, a network or a range of addresses `a-b`. */
export function isAddress(text: string): boolean {
  const ends = text.split("-");
  return (
    ends.length <= 2 && ends.every((e) => parseNetwork(e) !== undefined) && !(ends[1] && text.includes("/"))
  );
}

function known(kind: string, name: string, defined: Record<string, unknown> | undefined): string | undefined {
  return defined && Object.hasOwn(defined, name) ? undefined : `${kind} not found: "${name}"`;
}

function autogroupError(ref: string, side: "src" | "dst"): string | undefined {
  const name = ref.slice("autogroup:".length);
  const allowed = side === "src" ? sourceAutogroups : [...sourceAutogroups, "internet", "self"];
  return allowed.includes(name) ? undefined : `invalid autogroup: "${ref}"`;
}

/** Who may own a tag or approve a route: users, groups, role autogroups and tags. */
export function ownerError(owner: string, policy: Policy): string | undefined {
  if (owner.startsWith("tag:") || owner.startsWith("group:")) return referenceError(owner, policy, "src");
  if (owner.startsWith("autogroup:")) {
    const notPeople = ["autogroup:tagged", "autogroup:shared", "autogroup:danger-all"];
    return notPeople.includes(owner) ? `invalid owner: "${owner}"` : autogroupError(owner, "src");
  }
  return isUser(owner) ? undefined : `invalid owner: "${owner}"`;
}

/** Splits `host:22,80-90` at its last colon; addresses of IPv6 may stand in brackets. Undefined without ports. */
export function splitPorts(text: string): { host: string; ports: string } | undefined {
  const colon = text.lastIndexOf(":");
  const ports = text.slice(colon + 1);
  if (colon <= 0 || !/^(\*|\d+(-\d+)?(,\d+(-\d+)?)*)$/.test(ports)) return undefined;
  const host = text.slice(0, colon).replace(/^\[(.*)\](\/\d+)?$/, "$1$2");
  return ["tag", "group", "autogroup", "svc", "ipset"].includes(host) ? undefined : { host, ports };
}
