import * as pulumi from "@pulumi/pulumi";
import type { PeerRelayArgs } from "../components";

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

const RELAYS_MAX = 50;

/**
 * Reads the stack's config.
 * @throws StackConfigError with every bad key at once
 */
export function readStackConfig(stack: string): StackConfig {
  const config = new pulumi.Config();
  const problems: string[] = [];
  const read = (key: string, kind: Kind) => readKey(config, key, kind, problems);
  problems.push(...unknownKeys(config.name));

  const relays = (read("relays", "number") as number | undefined) ?? 2;
  if (!Number.isInteger(relays) || relays < 1 || relays > RELAYS_MAX) {
    problems.push(`${config.name}:relays must be 1 to ${RELAYS_MAX}, got ${relays}`);
  }
  const subnetIds = read("subnetIds", "json") as string[] | undefined;
  if (subnetIds !== undefined && !(Array.isArray(subnetIds) && subnetIds.length > 0)) {
    problems.push(`${config.name}:subnetIds must be a non-empty list of subnet ids`);
  }
  const given = Object.entries(RELAY_KEYS).map(([key, kind]) => [key, read(key, kind)]);
  if (problems.length > 0) throw new StackConfigError(stack, problems);
  const relay = Object.fromEntries(given.filter(([, value]) => value !== undefined)) as PeerRelayArgs;
  // Each stack has a tag of its own: a client asks every relay that it is granted, so a grant must name the relays of
  // one region, not all that carry one common tag.
  return {
    relays,
    subnetIds,
    relay: { tags: [`tag:relay-${stack.replace(/[^A-Za-z0-9-]/g, "-")}`], ...relay },
  };
}

/** The problems of a component's arguments, as problems of the config keys that they came from. */
export function asConfigProblems(problems: string[]): string[] {
  return problems.map((problem) => `${new pulumi.Config().name}:${problem}`);
}

function readKey(config: pulumi.Config, key: string, kind: Kind, problems: string[]): unknown {
  if (kind === "secret") return config.getSecret(key);
  const text = config.get(key);
  if (text === undefined || kind === "text") return text;
  try {
    const value: unknown = JSON.parse(text);
    const fits = kind === "json" ? typeof value === "object" && value !== null : typeof value === kind;
    if (fits) return value;
  } catch {
    // Told below, in the words of the config file.
  }
  const wanted = kind === "json" ? "a list or a map" : `a ${kind}`;
  problems.push(`${config.name}:${key} must be ${wanted}, got ${JSON.stringify(text)}`);
  return undefined;
}

/** Pulumi takes any key without a word; a misspelt one would silently keep its default. */
function unknownKeys(namespace: string): string[] {
  return Object.keys(pulumi.runtime.allConfig())
    .filter((key) => key.startsWith(`${namespace}:`))
    .filter((key) => {
      const name = key.slice(namespace.length + 1);
      return !(name in RELAY_KEYS) && !(name in STACK_KEYS);
    })
    .map((key) => `${key} is not known`);
}
