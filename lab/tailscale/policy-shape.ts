import { ApiError } from "./api-error";
import { parseHujson } from "./hujson";

export interface GrantRule {
  src: string[];
  dst: string[];
  ip: string[];
  app: Record<string, unknown>;
  via: string[];
  srcPosture: string[];
}
export interface AclRule {
  action: string;
  src: string[];
  dst: string[];
  proto: string;
  srcPosture: string[];
}
export interface AccessTest {
  src: string;
  accept: string[];
  deny: string[];
  proto: string;
}
export interface SshRule {
  action: string;
  src: string[];
  dst: string[];
  users: string[];
}
export interface SshTest {
  src: string[];
  dst: string[];
}
export interface NodeAttr {
  target: string[];
}

/** A policy file's content, field names made canonical. An absent section is `undefined`: `grants: []` is another thing. */
export interface Policy {
  acls?: AclRule[];
  grants?: GrantRule[];
  groups?: Record<string, string[]>;
  hosts?: Record<string, string>;
  tagOwners?: Record<string, string[]>;
  ipsets?: Record<string, string[]>;
  postures?: Record<string, string[]>;
  approvers?: string[];
  ssh?: SshRule[];
  sshTests?: SshTest[];
  tests?: AccessTest[];
  nodeAttrs?: NodeAttr[];
}

/** Sections the service knows; matched without regard to case, as Go's decoder does. */
const sections = [
  ...(["acls", "grants", "groups", "hosts", "tagOwners", "ipsets", "postures", "autoApprovers"] as const),
  ...(["ssh", "sshTests", "tests", "nodeAttrs", "derpMap", "attrConfig", "disableIPv4"] as const),
  ...(["oneCGNATRoute", "randomizeClientPort", "extraDNSRecords", "defaultSrcPosture"] as const),
];

/** Name of a top-level field. */
export type Section = (typeof sections)[number];

const fields = {
  acls: ["action", "src", "users", "dst", "ports", "proto", "srcPosture"],
  grants: ["src", "dst", "ip", "app", "via", "srcPosture"],
  ssh: [
    "action",
    "src",
    "dst",
    "users",
    "checkPeriod",
    "recorder",
    "enforceRecorder",
    "acceptEnv",
    "srcPosture",
  ],
  sshTests: ["src", "dst", "accept", "deny", "check", "srcPostureAttrs"],
  tests: ["src", "user", "accept", "allow", "deny", "proto", "srcPostureAttrs"],
  nodeAttrs: ["target", "attr", "app", "ipPool"],
  autoApprovers: ["routes", "exitNode", "services"],
};

/**
 * Parses the text and gives every section its type.
 * @throws ApiError 400 for bad HuJSON, an unknown field or a value of the wrong type
 */
export function readPolicy(text: string): Policy {
  const root = object(parseHujson(text), "policy", sections);
  const list = <T>(
    key: keyof typeof fields,
    read: (o: Record<string, unknown>, at: string) => T,
  ): T[] | undefined =>
    root[key] == null
      ? undefined
      : array(root[key], key).map((e, i) => read(object(e, `${key}[${i}]`, fields[key]), `${key}[${i}]`));
  return {
    acls: list("acls", readAcl),
    grants: list("grants", readGrant),
    ssh: list("ssh", readSsh),
    sshTests: list("sshTests", (o, at) => ({
      // One name or several: files of both kinds are in use.
      src: typeof o.src === "string" ? [o.src] : strings(o.src, `${at}.src`),
      dst: strings(o.dst, `${at}.dst`),
    })),
    tests: list("tests", readTest),
    nodeAttrs: list("nodeAttrs", (o, at) => ({ target: strings(o.target, `${at}.target`) })),
    groups: lists(root.groups, "groups"),
    tagOwners: lists(root.tagOwners, "tagOwners"),
    ipsets: lists(root.ipsets, "ipsets"),
    postures: lists(root.postures, "postures"),
    hosts:
      root.hosts == null
        ? undefined
        : mapValues(object(root.hosts, "hosts"), (v, k) => asText(v, `hosts.${k}`)),
    approvers: readApprovers(root.autoApprovers),
  };
}

/**
 * A policy's sections as they stand, names of sections and of rules' fields made canonical; `respelt` says whether any
 * was not. The text must be one that {@link readPolicy} takes.
 */
export function readSections(text: string): { root: Partial<Record<Section, unknown>>; respelt: boolean } {
  const value = parseHujson(text);
  const root = object(value, "policy", sections);
  for (const [key, known] of Object.entries(fields)) {
    const section = root[key];
    if (Array.isArray(section)) root[key] = section.map((rule) => object(rule, key, known));
    else if (section != null) root[key] = object(section, key, known);
  }
  return { root, respelt: JSON.stringify(root) !== JSON.stringify(value) };
}

/** One test as it stands in a policy's `tests`, or in the array form of `POST /acl/validate`. */
export function readTests(value: unknown): AccessTest[] {
  return array(value, "tests").map((e, i) => readTest(object(e, `tests[${i}]`, fields.tests), `tests[${i}]`));
}

function readAcl(o: Record<string, unknown>, at: string): AclRule {
  return {
    action: asText(o.action, `${at}.action`),
    src: strings(o.src ?? o.users, `${at}.src`),
    dst: strings(o.dst ?? o.ports, `${at}.dst`),
    proto: o.proto == null ? "" : String(o.proto),
    srcPosture: strings(o.srcPosture, `${at}.srcPosture`),
  };
}

function readGrant(o: Record<string, unknown>, at: string): GrantRule {
  const app = o.app == null ? {} : object(o.app, `${at}.app`);
  for (const [cap, values] of Object.entries(app)) if (values !== null) array(values, `${at}.app["${cap}"]`);
  return {
    src: strings(o.src, `${at}.src`),
    dst: strings(o.dst, `${at}.dst`),
    ip: strings(o.ip, `${at}.ip`),
    app,
    via: strings(o.via, `${at}.via`),
    srcPosture: strings(o.srcPosture, `${at}.srcPosture`),
  };
}

function readSsh(o: Record<string, unknown>, at: string): SshRule {
  return {
    action: asText(o.action, `${at}.action`),
    src: strings(o.src, `${at}.src`),
    dst: strings(o.dst, `${at}.dst`),
    users: strings(o.users, `${at}.users`),
  };
}

function readTest(o: Record<string, unknown>, at: string): AccessTest {
  return {
    src: asText(o.src ?? o.user, `${at}.src`),
    accept: strings(o.accept ?? o.allow, `${at}.accept`),
    deny: strings(o.deny, `${at}.deny`),
    proto: o.proto == null ? "" : String(o.proto),
  };
}

/** Everybody who may approve something: routes, exit nodes and services are one to us. */
function readApprovers(value: unknown): string[] | undefined {
  if (value == null) return undefined;
  const o = object(value, "autoApprovers", fields.autoApprovers);
  const routes = Object.values(lists(o.routes, "autoApprovers.routes") ?? {}).flat();
  const services = Object.values(lists(o.services, "autoApprovers.services") ?? {}).flat();
  return [...routes, ...services, ...strings(o.exitNode, "autoApprovers.exitNode")];
}

function wrongType(got: unknown, at: string, want: string): ApiError {
  const kind = got === null ? "null" : Array.isArray(got) ? "array" : typeof got;
  return new ApiError(400, `json: cannot unmarshal ${kind} into ${at}, which must be ${want}`);
}

/** The value as an object whose keys are spelt as in `known`. Without `known`, keys are free. */
function object(value: unknown, at: string, known?: readonly string[]): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw wrongType(value, at, "an object");
  if (!known) return value as Record<string, unknown>;
  const spelt = Object.entries(value).map(([key, v]) => {
    const name = known.find((k) => k.toLowerCase() === key.toLowerCase());
    if (!name) throw new ApiError(400, `json: unknown field "${key}" in ${at}`);
    return [name, v] as const;
  });
  return Object.fromEntries(spelt);
}

function array(value: unknown, at: string): unknown[] {
  if (!Array.isArray(value)) throw wrongType(value, at, "an array");
  return value;
}

function strings(value: unknown, at: string): string[] {
  return value == null ? [] : array(value, at).map((v, i) => asText(v, `${at}[${i}]`));
}

function asText(value: unknown, at: string): string {
  if (typeof value !== "string") throw wrongType(value, at, "a string");
  return value;
}

function lists(value: unknown, at: string): Record<string, string[]> | undefined {
  return value == null ? undefined : mapValues(object(value, at), (v, k) => strings(v, `${at}.${k}`));
}

function mapValues<T>(o: Record<string, unknown>, read: (v: unknown, key: string) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(o).map(([k, v]) => [k, read(v, k)]));
}
