import { contains, isInternet, isTailnetAddress, parseNetwork, type Network } from "./addresses";
import type { Policy } from "./policy-shape";
import { isUser, splitPorts } from "./selectors";

/** Certain answers, and "maybe" where it depends on something that is not in the policy file. */
export type Answer = "yes" | "no" | "maybe";

export interface Question {
  /** A user, group, tag, host or address. */
  src: string;
  dst: string;
  /** One port, or `*`. */
  ports: string;
  /** `tcp`, `udp`, `icmp`...; empty: TCP or UDP. */
  proto: string;
}

interface Rule {
  src: string[];
  dst: string;
  ports: string;
  proto: string;
  conditional: boolean;
}

/**
 * Whether `src` may reach `dst`, over all acls and ip grants.
 *
 * Tags, users, groups, hosts, address ranges, ipsets, ports and protocols are really compared. A "maybe" comes from
 * role autogroups (`autogroup:admin`: roles are not in the file), from device addresses against tags and users (which
 * device has which address is not in the file), from ipsets with `remove` and from rules with a posture.
 */
export function reachability(q: Question, policy: Policy): Answer {
  if (policy.acls === undefined && policy.grants === undefined) return "yes";
  return any(rules(policy).map((rule) => applies(rule, q, policy)));
}

function rules(policy: Policy): Rule[] {
  const acls = (policy.acls ?? []).flatMap((a) =>
    a.dst.flatMap((dst) => {
      const to = splitPorts(dst);
      const conditional = a.srcPosture.length > 0;
      return to ? [{ src: a.src, dst: to.host, ports: to.ports, proto: a.proto, conditional }] : [];
    }),
  );
  const grants = (policy.grants ?? []).flatMap((g) =>
    g.dst.flatMap((dst) =>
      g.ip.map((ip) => {
        const [ports = "*", proto = ""] = ip.split(":").reverse();
        return {
          src: g.src,
          dst,
          ports,
          proto: proto.replace("*", ""),
          conditional: g.srcPosture.length > 0,
        };
      }),
    ),
  );
  return [...acls, ...grants];
}

function applies(rule: Rule, q: Question, policy: Policy): Answer {
  if (!portsMatch(rule, q)) return "no";
  const src = any(rule.src.map((s) => matches(s, q.src, policy)));
  const dst = rule.dst === "autogroup:self" ? ownDevice(q, policy) : matches(rule.dst, q.dst, policy);
  return all([src, dst, rule.conditional ? "maybe" : "yes"]);
}

function portsMatch(rule: Rule, q: Question): boolean {
  const wanted = q.proto || "tcp";
  const both = rule.proto === "" || rule.proto === wanted || (q.proto === "" && rule.proto === "udp");
  if (!both) return false;
  if (rule.ports === "*" || q.ports === "*") return true;
  const port = Number(q.ports);
  return rule.ports.split(",").some((range) => {
    const [low = NaN, high = low] = range.split("-").map(Number);
    return port >= low && port <= high;
  });
}

/** `autogroup:self`: the devices of the very user who asks. */
function ownDevice(q: Question, policy: Policy): Answer {
  if (!isUser(q.src)) return "no";
  const address = addressOf(q.dst, policy);
  if (address) return isTailnetAddress(address) ? "maybe" : "no";
  return q.src === q.dst ? "yes" : "no";
}

/** Whether the rule's reference covers who (or what) the test names. */
function matches(ref: string, who: string, policy: Policy): Answer {
  if (ref === "*" || ref === who) return "yes";
  if (who.startsWith("group:"))
    return each((policy.groups?.[who] ?? []).map((user) => matches(ref, user, policy)));
  const address = addressOf(who, policy);
  if (address) return coversAddress(ref, address, policy);
  if (ref.startsWith("autogroup:")) return coversIdentity(ref, who);
  if (ref.startsWith("group:")) return policy.groups?.[ref]?.includes(who) ? "yes" : "no";
  if (ref.startsWith("user:*@"))
    return isUser(who) && who.endsWith(ref.slice("user:*".length)) ? "yes" : "no";
  const networks = networksOf(ref, policy);
  if (who.startsWith("svc:")) return "no";
  return networks.some(isTailnetAddress) ? "maybe" : "no";
}

function coversIdentity(ref: string, who: string): Answer {
  if (ref === "autogroup:danger-all") return "yes";
  if (ref === "autogroup:tagged") return who.startsWith("tag:") ? "yes" : "no";
  if (!isUser(who)) return "no";
  if (ref === "autogroup:member" || ref === "autogroup:members") return "yes";
  return ["autogroup:internet", "autogroup:self"].includes(ref) ? "no" : "maybe";
}

function coversAddress(ref: string, address: Network, policy: Policy): Answer {
  if (ref === "autogroup:internet") return isInternet(address) ? "yes" : "no";
  const networks = networksOf(ref, policy);
  const cut = policy.ipsets?.[ref]?.some((line) => /^remove\s/.test(line));
  if (networks.some((n) => contains(n, address))) return cut ? "maybe" : "yes";
  const identity = networks.length === 0 && !ref.startsWith("svc:") && ref !== "autogroup:self";
  return identity && isTailnetAddress(address) ? "maybe" : "no";
}

/** The address a host alias or a literal stands for. */
function addressOf(who: string, policy: Policy): Network | undefined {
  return parseNetwork(policy.hosts?.[who] ?? who);
}

/** Every network behind an address, a host or an ipset. */
function networksOf(ref: string, policy: Policy, depth = 0): Network[] {
  const lines = depth < 8 ? policy.ipsets?.[ref] : undefined;
  if (lines) {
    const added = lines
      .filter((l) => !/^remove\s/.test(l))
      .map((l) => l.replace(/^add\s+/, "").replace(/^host:/, ""));
    return added.flatMap((l) => networksOf(l, policy, depth + 1));
  }
  const network = addressOf(ref, policy);
  return network ? [network] : [];
}

function any(answers: readonly Answer[]): Answer {
  return answers.includes("yes") ? "yes" : answers.includes("maybe") ? "maybe" : "no";
}

function all(answers: readonly Answer[]): Answer {
  return answers.includes("no") ? "no" : answers.includes("maybe") ? "maybe" : "yes";
}

/** The same answer for every member, else "maybe"; an empty group reaches nothing. */
function each(answers: readonly Answer[]): Answer {
  const [first, ...rest] = answers;
  return first === undefined ? "no" : rest.every((a) => a === first) ? first : "maybe";
}
