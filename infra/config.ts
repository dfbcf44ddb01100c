import * as pulumi from "@pulumi/pulumi";
import { checkPeerRelayArgs, InvalidArgsError, PeerRelayArgs, readCredentials } from "../components";
import { isSubnetId, isWhole, Problems } from "../components/validate";

/** What one stack builds: the same relay a number of times, spread over the region's zones or given subnets. */
export interface StackConfig {
  /** How many relays; default 2, so that one may fail. */
  relays: number;
  /** Public subnets of yours to spread the relays over, instead of the default network's zones. */
  subnetIds?: string[];
  /** What every relay of the stack gets; see `PeerRelayArgs`. */
  relay: PeerRelayArgs;
}

/** Raised for a stack config that can't be used; names the file and every bad key. Pulumi prints it without a stack trace. */
export class StackConfigError extends pulumi.RunError {
  constructor(stack: string, problems: string[]) {
    super(`infra/stacks/Pulumi.${stack}.yaml:\n${problems.map((problem) => `  ${problem}`).join("\n")}`);
  }
}

type Kind = "text" | "number" | "boolean" | "json" | "secret";

/** Keys of the stack's config that are arguments of each relay. */
const RELAY_KEYS: Partial<Record<keyof PeerRelayArgs, Kind>> = {
  clients: "json",
  ipAccess: "json",
  ipAccessTo: "json",
  policy: "text",
  enabled: "boolean",
  keepAllowAll: "boolean",
  forcePolicy: "boolean",
  port: "number",
  allowedCidrs: "json",
  directPath: "boolean",
  network: "text",
  ipv6: "boolean",
  instanceType: "text",
  os: "text",
  amiId: "text",
  rootVolumeGib: "number",
  resourceTags: "json",
  authKey: "secret",
  oauthClientSecret: "secret",
  workloadIdentity: "json",
  keyExpirySeconds: "number",
  tags: "json",
  tagOwners: "json",
  hostname: "text",
  version: "text",
  install: "json",
  tailscaleSsh: "boolean",
  ssm: "boolean",
  loginServer: "text",
  ssmEndpoint: "text",
  readyTimeoutSeconds: "number",
};

/** Keys of the stack itself. */
const STACK_KEYS: Record<string, Kind> = { relays: "number", subnetIds: "json" };

const RELAYS = 2;
const RELAYS_MAX = 50;

/**
 * Reads the stack's config.
 * @throws StackConfigError with every bad key at once: those that have the wrong form, and those that the relays refuse
 */
export function readStackConfig(stack: string): StackConfig {
  const config = new pulumi.Config();
  const problems = new Problems();
  const read = (key: string, kind: Kind) => readKey(config, key, kind, problems);
  problems.list.push(...unknownKeys(config.name));
  const given = Object.entries(RELAY_KEYS).map(([key, kind]) => [key, read(key, kind)]);
  const relay = Object.fromEntries(given.filter(([, value]) => value !== undefined)) as PeerRelayArgs;
  const stackConfig = {
    relays: checkedRelays(read("relays", "number"), problems),
    subnetIds: checkedSubnets(read("subnetIds", "json"), problems),
    // Each stack has a tag of its own: a client asks every relay that it is granted, so a grant must name the relays of
    // one region, not all that carry one common tag.
    relay: { tags: [`tag:relay-${stack.replace(/[^A-Za-z0-9-]/g, "-")}`], ...relay },
  };
  problems.list.push(...relayProblems(stackConfig, problems.list));
  const named = problems.list.map((problem) => `${config.name}:${problem}`);
  const all = [...named, ...credentialProblems()];
  if (all.length > 0) throw new StackConfigError(stack, all);
  return stackConfig;
}

/** The relays' names. */
export function relayNames(config: StackConfig): string[] {
  return Array.from({ length: config.relays }, (_, index) => `relay-${index + 1}`);
}

/** What one of the relays gets, but for its zone. */
export function relayArgs(config: StackConfig, index: number): PeerRelayArgs {
  return {
    ...config.relay,
    hostname: config.relay.hostname && `${config.relay.hostname}-${index + 1}`,
    subnetId: config.subnetIds?.[index % config.subnetIds.length],
  };
}

function checkedRelays(relays: unknown, problems: Problems): number {
  if (relays === undefined) return RELAYS;
  const ok = problems.require(isWhole(relays, 1, RELAYS_MAX), "relays", `be 1 to ${RELAYS_MAX}`, relays);
  return ok ? (relays as number) : RELAYS;
}

/** The subnets, all of them or none. */
function checkedSubnets(ids: unknown, problems: Problems): string[] | undefined {
  if (ids === undefined) return undefined;
  const listed = Array.isArray(ids) && ids.length > 0;
  if (!problems.require(listed, "subnetIds", "be a non-empty list of subnet ids", ids)) return undefined;
  const good = (ids as unknown[]).map((id, index) =>
    problems.require(isSubnetId(id), `subnetIds[${index}]`, 'be like "subnet-0abc"', id),
  );
  return good.every(Boolean) ? (ids as string[]) : undefined;
}

/**
 * What the relays refuse, by the keys of the config. Of keys that have a problem already nothing more is said: their
 * values are not there to be checked.
 */
function relayProblems(config: StackConfig, known: string[]): string[] {
  const told = new Set(known.map(keyOf));
  // The relays differ in nothing that one could refuse and another take but the number in their host names.
  const refused = relayNames(config).map((name, index) => problemsOf(name, relayArgs(config, index)));
  const first = refused.find((problems) => problems.length > 0) ?? [];
  return first
    .map((problem) => problem.replace(/^subnetId\b/, "subnetIds"))
    .filter((problem) => !told.has(keyOf(problem)));
}

function problemsOf(name: string, args: PeerRelayArgs): string[] {
  try {
    checkPeerRelayArgs(name, args);
    return [];
  } catch (error) {
    if (error instanceof InvalidArgsError) return error.problems;
    throw error;
  }
}

/** What would keep the relays from Tailscale's API; they read the same config, but only once they are under way. */
function credentialProblems(): string[] {
  try {
    const config = new pulumi.Config("tailscale");
    readCredentials((key) => config.get(key), process.env);
    return [];
  } catch (error) {
    if ((error as Error).name === "CredentialsError") return [(error as Error).message];
    throw error;
  }
}

/** The config key that a problem begins with. */
function keyOf(problem: string): string {
  return /^\w*/.exec(problem)![0];
}

function readKey(config: pulumi.Config, key: string, kind: Kind, problems: Problems): unknown {
  // A secret too is read as it is: only so can its form be checked before anything exists. The relay makes it a secret
  // again before it goes anywhere.
  const text = config.get(key);
  if (text === undefined || kind === "text" || kind === "secret") return text;
  try {
    const value: unknown = JSON.parse(text);
    const fits = kind === "json" ? typeof value === "object" && value !== null : typeof value === kind;
    if (fits) return value;
  } catch {
    // Told below, in the words of the config file.
  }
  problems.require(false, key, kind === "json" ? "be a list or a map" : `be a ${kind}`, text);
  return undefined;
}

/** Pulumi takes any key without a word; a misspelt one would silently keep its default. */
function unknownKeys(namespace: string): string[] {
  return Object.keys(pulumi.runtime.allConfig())
    .filter((key) => key.startsWith(`${namespace}:`))
    .map((key) => key.slice(namespace.length + 1))
    .filter((key) => !(key in RELAY_KEYS) && !(key in STACK_KEYS))
    .map((key) => `${key} is not known`);
}
