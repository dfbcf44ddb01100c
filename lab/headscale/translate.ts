import { ApiError } from "../tailscale/api-error";
import { readSections, type Section } from "../tailscale/policy-shape";
import { isUser } from "../tailscale/selectors";
import { translationCases, type CaseName } from "./cases";
import { References, type Note, type People } from "./references";

/** A policy in headscale's words. */
export interface Translation {
  /** JSON. */
  policy: string;
  /** What was not taken over as it stands: a row of the table and where, such as `tagOwners["tag:ci"]`. */
  cases: { name: CaseName; where: string }[];
}

type Json = Record<string, unknown>;

/**
 * Says the same policy to headscale, which takes fewer words; see {@link translationCases} for each difference. What
 * is left out only ever grants less. `text` must be a policy that our Tailscale API takes.
 * @throws ApiError 400 for what cannot be said without granting more
 */
export function translatePolicy(text: string, people: People): Translation {
  const source = readSections(text);
  const cases: Translation["cases"] = [];
  const note: Note = (name, where) => {
    const { outcome, how } = translationCases[name];
    if (outcome === "refused")
      throw new ApiError(400, `cannot be translated for headscale: ${where}: it ${how}`);
    cases.push({ name, where });
  };
  if (source.respelt) note("spelling", "policy");
  if (source.root.defaultSrcPosture != null) note("postures", "defaultSrcPosture");
  noteDropped(source.root, note);
  const policy = new Translator(source.root, people, note).policy();
  return { policy: JSON.stringify(policy, undefined, 2), cases };
}

const dropped: Record<string, CaseName> = {
  tests: "tests",
  sshTests: "tests",
  postures: "posture definitions",
  derpMap: "tailnet settings",
  disableIPv4: "tailnet settings",
  oneCGNATRoute: "tailnet settings",
  extraDNSRecords: "tailnet settings",
  attrConfig: "tailnet settings",
};

function noteDropped(root: Json, note: Note): void {
  for (const [section, name] of Object.entries(dropped)) if (root[section] != null) note(name, section);
}

/** Translates section by section; a section that is absent stays absent: `grants: []` is another thing. */
class Translator {
  private readonly names: References;
  private readonly groups: Record<string, string[]>;

  constructor(
    private readonly root: Partial<Record<Section, unknown>>,
    private readonly people: People,
    private readonly note: Note,
  ) {
    const hosts = record<string>(root.hosts);
    const ipsets = record<string[]>(root.ipsets);
    const tags = Object.keys(record(root.tagOwners));
    this.names = new References({ hosts, ipsets, tags }, people, note);
    this.groups = mapEntries(record<string[]>(root.groups), (name, members) => {
      const where = `groups["${name}"]`;
      return [[this.names.group(name, where), this.names.resolve(members, where)]];
    });
  }

  policy(): Json {
    const { root } = this;
    const section = <T>(name: Section, read: (value: T) => unknown) =>
      root[name] == null ? {} : { [name]: read(root[name] as T) };
    return {
      ...section("groups", () => this.groups),
      ...section("hosts", (hosts: Record<string, string>) => this.hosts(hosts)),
      ...section("tagOwners", (owners: Record<string, string[]>) => this.tagOwners(owners)),
      ...section("acls", (rules: Json[]) => this.rules("acls", rules, (rule, at) => this.acl(rule, at))),
      ...section("grants", (rules: Json[]) =>
        this.rules("grants", rules, (rule, at) => this.grant(rule, at)),
      ),
      ...section("ssh", (rules: Json[]) => this.rules("ssh", rules, (rule, at) => this.ssh(rule, at))),
      ...section("nodeAttrs", (rules: Json[]) =>
        this.rules("nodeAttrs", rules, (rule, at) => this.nodeAttr(rule, at)),
      ),
      ...section("autoApprovers", (approvers: Json) => this.autoApprovers(approvers)),
      ...section("randomizeClientPort", (on: boolean) => on),
    };
  }

  /** A host that is a range has no name in headscale; what refers to it gets the networks. */
  private hosts(hosts: Record<string, string>): Record<string, string> {
    return mapEntries(hosts, (name, address) => (address.includes("-") ? [] : [[name, address]]));
  }

  private tagOwners(owners: Record<string, string[]>): Record<string, string[]> {
    return mapEntries(owners, (tag, list) => [[tag, this.names.owners(list, `tagOwners["${tag}"]`)]]);
  }

  /** Translates each rule; `undefined` is one that is left out. */
  private rules(section: string, rules: Json[], one: (rule: Json, at: string) => Json | undefined): Json[] {
    return rules.map((rule, i) => one(rule, `${section}[${i}]`)).filter((rule) => rule !== undefined);
  }

  private acl(rule: Json, at: string): Json | undefined {
    if (texts(rule.srcPosture).length > 0) this.note("postures", `${at}.srcPosture`);
    if (rule.users !== undefined || rule.ports !== undefined) this.note("spelling", at);
    if (rule.proto === null) this.note("any protocol", at);
    const src = this.names.resolve(texts(rule.src ?? rule.users), `${at}.src`);
    const dst = texts(rule.dst ?? rule.ports).flatMap((d) => this.names.withPorts(d, `${at}.dst`));
    if (src.length === 0 || dst.length === 0) return this.empty(at);
    const proto = rule.proto == null ? {} : { proto: String(rule.proto) };
    return { action: rule.action, src, dst, ...proto };
  }

  private grant(rule: Json, at: string): Json | undefined {
    if (texts(rule.srcPosture).length > 0) this.note("postures", `${at}.srcPosture`);
    const src = this.names.resolve(texts(rule.src), `${at}.src`);
    const dst = this.names.resolve(texts(rule.dst), `${at}.dst`);
    const ip = texts(rule.ip).map((ports) => this.anyProtocol(ports, at));
    const app = this.capabilities(record(rule.app), at);
    const nothing = ip.length === 0 && Object.keys(app).length === 0;
    if (src.length === 0 || dst.length === 0 || nothing) return this.empty(at);
    const kept = (key: string, value: unknown) => (rule[key] == null ? {} : { [key]: value });
    return { src, dst, ...kept("ip", ip), ...kept("app", app), ...kept("via", rule.via) };
  }

  private anyProtocol(ports: string, at: string): string {
    if (!ports.startsWith("*:")) return ports;
    this.note("any protocol", at);
    return ports.slice("*:".length);
  }

  private capabilities(app: Json, at: string): Json {
    return mapEntries(app, (name, values) => {
      if (name !== "tailscale.com/cap/golink") return [[name, values]];
      this.note("golink capability", at);
      return [];
    });
  }

  private ssh(rule: Json, at: string): Json | undefined {
    const { recorder, enforceRecorder, srcPosture, checkPeriod, ...rest } = rule;
    const src = this.names.resolve(texts(rule.src), `${at}.src`);
    const dst = this.names.resolve(texts(rule.dst), `${at}.dst`);
    if (src.length === 0 || dst.length === 0) return this.empty(at);
    const bound = [recorder, enforceRecorder, srcPosture].some((v) => v != null && v !== false);
    if (bound || !sshFits(src, dst)) {
      this.note("SSH rules", at);
      return undefined;
    }
    if (checkPeriod !== undefined && rule.action !== "check") this.note("SSH check periods", at);
    return { ...rest, src, dst, ...(rule.action === "check" && checkPeriod != null ? { checkPeriod } : {}) };
  }

  private nodeAttr(rule: Json, at: string): Json | undefined {
    const resolved = this.names.resolve(texts(rule.target), `${at}.target`);
    const target = resolved.flatMap((ref) => this.presentTargets(ref));
    const attr = texts(rule.attr).filter((name) => name !== "funnel");
    const all = target.join() === resolved.join() && attr.length === texts(rule.attr).length;
    if (!all || rule.ipPool != null || rule.app != null) this.note("node attributes", at);
    if (target.length === 0 || attr.length === 0) return this.empty(at);
    return { target, attr };
  }

  /** headscale refuses a target that is, or has in it, a user whom it does not know. */
  private presentTargets(ref: string): string[] {
    const members = this.groups[ref];
    if (members === undefined) return !isUser(ref) || this.people.members.includes(ref) ? [ref] : [];
    return members.every((m) => this.people.members.includes(m))
      ? [ref]
      : members.filter((m) => this.people.members.includes(m));
  }

  private autoApprovers(approvers: Json): Json {
    if (approvers.services != null) this.note("services", "autoApprovers");
    const routes = mapEntries(record<string[]>(approvers.routes), (route, list) => [
      [route, this.names.owners(list, `autoApprovers.routes["${route}"]`)],
    ]);
    return { routes, exitNode: this.names.owners(texts(approvers.exitNode), "autoApprovers.exitNode") };
  }

  private empty(at: string): undefined {
    this.note("empty rules", at);
  }
}

/**
 * Whether headscale would hold an SSH rule from these sources to these destinations: its rules, of which there are more
 * than Tailscale's documents say.
 */
function sshFits(src: readonly string[], dst: readonly string[]): boolean {
  const tagged = src.some((s) => s.startsWith("tag:") || s === "autogroup:tagged");
  const people = (ref: string) => ref.startsWith("group:") || ref === "autogroup:member" || isUser(ref);
  const known = src.every((s) => people(s) || s.startsWith("tag:") || s === "autogroup:tagged");
  return known && dst.every((d) => sshTargetFits(d, src, tagged));
}

function sshTargetFits(dst: string, src: readonly string[], tagged: boolean): boolean {
  if (dst.startsWith("tag:") || dst === "autogroup:tagged") return true;
  if (dst === "autogroup:self" || dst === "autogroup:member") return !tagged;
  return isUser(dst) && src.length === 1 && src[0] === dst;
}

function texts(value: unknown): string[] {
  return (value ?? []) as string[];
}

function record<T = unknown>(value: unknown): Record<string, T> {
  return (value ?? {}) as Record<string, T>;
}

function mapEntries<T, R>(
  o: Record<string, T>,
  to: (key: string, value: T) => [string, R][],
): Record<string, R> {
  return Object.fromEntries(Object.entries(o).flatMap(([key, value]) => to(key, value)));
}
