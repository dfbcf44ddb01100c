import { formatNetworks, parseRange } from "../tailscale/addresses";
import type { CaseName } from "./cases";

/** Who is in the lab's tailnet. */
export interface People {
  /** The one admin, who is the owner too. */
  admin: string;
  /** Everybody, the admin included. */
  members: readonly string[];
}

/** The definitions that references are looked up in. */
export interface Definitions {
  hosts: Readonly<Record<string, string>>;
  ipsets: Readonly<Record<string, readonly string[]>>;
  tags: readonly string[];
}

/** Called for every case met, and where. A refusal throws. */
export type Note = (name: CaseName, where: string) => void;

const otherRoles = ["it-admin", "network-admin", "billing-admin", "auditor"].map((r) => `autogroup:${r}`);
const deepestIpset = 8;

/** Turns one of Tailscale's references into those of headscale that mean the same; none: it means nobody. */
export class References {
  constructor(
    private readonly definitions: Definitions,
    private readonly people: People,
    private readonly note: Note,
  ) {}

  /** `src`, `dst`, `target` and `via`. */
  resolve(refs: readonly string[], where: string): string[] {
    return unique(refs.flatMap((ref) => this.one(ref, where)));
  }

  /** Owners of tags and approvers: headscale knows no autogroup there. */
  owners(refs: readonly string[], where: string): string[] {
    const named = refs.flatMap((ref) => {
      if (ref === "autogroup:member" || ref === "autogroup:members") {
        this.note("members", where);
        return [...this.people.members];
      }
      if (ref !== "autogroup:tagged") return [ref];
      this.note("tagged approvers", where);
      return [...this.definitions.tags];
    });
    return this.resolve(named, where);
  }

  /** A group's name, which must not look like a user's. */
  group(name: string, where: string): string {
    if (!name.includes("@")) return name;
    this.note("group names", where);
    return name.replaceAll("@", "-at-");
  }

  /** `host:ports` of acls, one for each thing that the host means. */
  withPorts(dst: string, where: string): string[] {
    const colon = dst.lastIndexOf(":");
    const host = dst.slice(0, colon).replace(/^\[(.*)\](\/\d+)?$/, "$1$2");
    return this.resolve([host], where).map((name) => `${name}${dst.slice(colon)}`);
  }

  private one(ref: string, where: string): string[] {
    if (ref.startsWith("group:")) return [this.group(ref, where)];
    if (ref.startsWith("ipset:")) return this.ipset(ref, where);
    if (ref.startsWith("user:*@")) return this.usersOf(ref.slice("user:*".length), where);
    if (ref.startsWith("svc:")) return this.none("services", where);
    if (ref.startsWith("autogroup:")) return this.autogroup(ref, where);
    return this.addresses(ref, where);
  }

  private autogroup(ref: string, where: string): string[] {
    if (ref === "autogroup:admin" || ref === "autogroup:owner") {
      this.note("admin roles", where);
      return [this.people.admin];
    }
    if (otherRoles.includes(ref)) return this.none("other roles", where);
    if (ref === "autogroup:shared") return this.none("shared users", where);
    if (ref !== "autogroup:members") return [ref];
    this.note("members", where);
    return ["autogroup:member"];
  }

  private usersOf(domain: string, where: string): string[] {
    this.note("users of a domain", where);
    return this.people.members.filter((login) => login.endsWith(domain));
  }

  private ipset(name: string, where: string, depth = 0): string[] {
    this.note("ipsets", where);
    if (depth > deepestIpset) return [];
    return (this.definitions.ipsets[name] ?? []).flatMap((line) => {
      if (/^remove\s/.test(line)) this.note("ipsets with remove", `${name} in ${where}`);
      const target = line.replace(/^add\s+/, "").replace(/^host:/, "");
      return target.startsWith("ipset:") ? this.ipset(target, where, depth + 1) : this.one(target, where);
    });
  }

  /** A host or an address; only a range must be taken apart. */
  private addresses(ref: string, where: string): string[] {
    const range = parseRange(this.definitions.hosts[ref] ?? ref);
    if (!range) return [ref];
    this.note("address ranges", where);
    return formatNetworks(range);
  }

  private none(name: CaseName, where: string): string[] {
    this.note(name, where);
    return [];
  }
}

function unique(list: string[]): string[] {
  return [...new Set(list)];
}
