import { DEFAULTS, PeerRelayArgs, ResolvedArgs } from "./peer-relay-args";
import {
  atLeast,
  parseVersion,
  refusal,
  STATIC_ENDPOINTS_SINCE,
  WORKLOAD_IDENTITY_SINCE,
} from "./tailscale-version";
import {
  hasCredentials,
  isCanonicalCidr,
  isCidr,
  isEndpoint,
  isHttpUrl,
  isIpSpec,
  isLater,
  isSelector,
  isStringList,
  isSubnetId,
  isTag,
  isTagOwner,
  isWhole,
  Problems,
} from "./validate";

/** The longest host name is 63 characters; `-255-255-255-255` is appended. */
const HOSTNAME_MAX = 63 - "-255-255-255-255".length;
/** tailscaled's own port: a relay on it fails to bind with nothing but a log line (tailscale#18001). */
const TAILSCALED_PORT = 41641;

/**
 * Fills in the defaults and checks every value that is known.
 * @throws InvalidArgsError with all problems at once
 */
export function resolveArgs(name: string, stack: string, given: PeerRelayArgs): ResolvedArgs {
  const problems = new Problems();
  if (typeof given !== "object" || given === null) {
    problems.require(false, "args", "be an object", given);
    problems.throwIfAny("PeerRelayArgs");
  }
  const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const hostname = `${stack}-${name}`
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
  const args: ResolvedArgs = {
    ...DEFAULTS,
    hostname: hostname.slice(0, HOSTNAME_MAX).replace(/-$/, ""),
    ...known,
  } as ResolvedArgs;
  checkName(name, problems);
  checkUnknown(known, problems);
  checkGrant(args, problems);
  checkIdentity(args, problems);
  checkNetwork(args, problems);
  checkInstance(args, problems);
  checkAuth(args, problems);
  checkTailscale(args, problems);
  checkInputs(args, problems);
  problems.throwIfAny("PeerRelayArgs");
  return args;
}

/** Values that may come from other resources: a text, or an output or promise of one. */
function checkInputs(args: ResolvedArgs, problems: Problems): void {
  const rule = "be a string, or an output or a promise of one";
  const fits = (value: unknown) => value === undefined || typeof value === "string" || isLater(value);
  for (const name of ["subnetId", "availabilityZone", "amiId"] as const)
    problems.require(fits(args[name]), name, rule, args[name]);
  for (const name of JOIN_SECRETS) problems.requireSecret(fits(args[name]), name, rule);
}

/** What is allowed but worth a word. */
export function warningsFor(args: ResolvedArgs): string[] {
  const warnings: string[] = [];
  if (args.port < 20000)
    warnings.push(`port ${args.port}: ports below 20000 are blocked more often; prefer a higher one`);
  if (args.clients.includes("*")) {
    warnings.push(
      'clients "*": every device asks this relay for every peer; name tags or groups where you can',
    );
  }
  const open = ["0.0.0.0/0", "::/0"].every((cidr) => args.allowedCidrs.includes(cidr));
  if (!open) {
    warnings.push(
      `allowedCidrs ${args.allowedCidrs.join(", ")}: AWS tracks these flows, and the instance's connection-tracking ` +
        "limit applies; with 0.0.0.0/0 and ::/0 it does not",
    );
  }
  return warnings;
}

const KNOWN_KEYS = new Set([
  ...Object.keys(DEFAULTS),
  ...["clients", "ipAccessTo", "subnetId", "availabilityZone", "amiId", "authKey", "oauthClientSecret"],
  ...["workloadIdentity", "hostname", "install", "loginServer", "ssmEndpoint"],
]);

function checkUnknown(known: Record<string, unknown>, problems: Problems): void {
  for (const key of Object.keys(known)) {
    if (!KNOWN_KEYS.has(key)) problems.list.push(`${key} is not an argument of PeerRelay`);
  }
}

function checkName(name: string, problems: Problems): void {
  const ok = typeof name === "string" && /^(?!sg-)[A-Za-z0-9][A-Za-z0-9._-]{0,49}$/.test(name);
  problems.require(
    ok,
    "name",
    "be 1 to 50 letters, digits, '.', '_' or '-', and start with a letter or digit, but not with \"sg-\"",
    name,
  );
}

function checkList(
  problems: Problems,
  name: string,
  value: unknown,
  isItem: (item: unknown) => boolean,
  rule: string,
): void {
  if (!problems.require(Array.isArray(value), name, "be a list", value)) return;
  (value as unknown[]).forEach((item, index) =>
    problems.require(isItem(item), `${name}[${index}]`, rule, item),
  );
}

const SELECTOR = 'be a selector such as "tag:laptop", "group:eng", a user, an address or "*"';

function checkGrant(args: ResolvedArgs, problems: Problems): void {
  const listed = isStringList(args.clients) && args.clients.length > 0;
  if (problems.require(listed, "clients", 'be a non-empty list, e.g. ["tag:laptop"]', args.clients)) {
    checkList(problems, "clients", args.clients, isSelector, SELECTOR);
  }
  checkList(problems, "ipAccess", args.ipAccess, isIpSpec, 'be like "*", "443", "80-90" or "tcp:22"');
  if (args.ipAccessTo !== undefined) {
    checkList(problems, "ipAccessTo", args.ipAccessTo, isSelector, SELECTOR);
    const used = Array.isArray(args.ipAccess) && args.ipAccess.length > 0;
    problems.require(used, "ipAccessTo", "come with ipAccess", args.ipAccessTo);
  }
  problems.require(["merge", "emit"].includes(args.policy), "policy", 'be "merge" or "emit"', args.policy);
  checkFlags(args, ["enabled", "keepAllowAll", "forcePolicy"], problems);
}

function checkFlags(args: ResolvedArgs, names: (keyof ResolvedArgs)[], problems: Problems): void {
  for (const name of names)
    problems.require(typeof args[name] === "boolean", name, "be true or false", args[name]);
}

function checkIdentity(args: ResolvedArgs, problems: Problems): void {
  checkList(
    problems,
    "tags",
    args.tags,
    isTag,
    'be like "tag:relay" (letter first, then letters, digits, dashes)',
  );
  const owners = 'be an autogroup, group, user or tag, e.g. "autogroup:admin"';
  checkList(problems, "tagOwners", args.tagOwners, isTagOwner, owners);
  if (Array.isArray(args.tagOwners)) {
    problems.require(args.tagOwners.length > 0, "tagOwners", "name at least one owner", args.tagOwners);
  }
  const named = typeof args.hostname === "string" && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(args.hostname);
  const ok = named && args.hostname.length <= HOSTNAME_MAX;
  problems.require(ok, "hostname", `be 1 to ${HOSTNAME_MAX} of a-z, 0-9 and inner dashes`, args.hostname);
}

function checkNetwork(args: ResolvedArgs, problems: Problems): void {
  problems.require(isWhole(args.port, 1024, 65535), "port", "be 1024 to 65535", args.port);
  problems.require(args.port !== TAILSCALED_PORT, "port", "not be 41641, tailscaled's own port", args.port);
  checkList(problems, "allowedCidrs", args.allowedCidrs, isCidr, 'be a CIDR block, e.g. "0.0.0.0/0"');
  if (Array.isArray(args.allowedCidrs)) {
    args.allowedCidrs.forEach((cidr, i) =>
      problems.require(
        !isCidr(cidr) || isCanonicalCidr(cidr),
        `allowedCidrs[${i}]`,
        "be spelt by its network address, in lower case and without leading zeros",
        cidr,
      ),
    );
    problems.require(
      args.allowedCidrs.length > 0,
      "allowedCidrs",
      "not be empty (enabled: false closes the port)",
      [],
    );
    const unique = new Set(args.allowedCidrs).size === args.allowedCidrs.length;
    problems.require(unique, "allowedCidrs", "name each block once", args.allowedCidrs);
  }
  problems.require(
    ["default", "create"].includes(args.network),
    "network",
    'be "default" or "create"',
    args.network,
  );
  if (args.subnetId !== undefined) {
    problems.require(args.network !== "create", "subnetId", 'not come with network "create"', args.subnetId);
    problems.require(
      args.availabilityZone === undefined,
      "availabilityZone",
      "not come with subnetId",
      args.availabilityZone,
    );
  }
  if (typeof args.subnetId === "string") {
    problems.require(isSubnetId(args.subnetId), "subnetId", 'be like "subnet-0abc"', args.subnetId);
  }
  if (typeof args.availabilityZone === "string") {
    const ok = /^[a-z]{2}(-[a-z]+)+-\d(-[a-z]+-\d)?[a-z]$/.test(args.availabilityZone);
    problems.require(ok, "availabilityZone", 'be like "eu-central-1a"', args.availabilityZone);
  }
  checkFlags(args, ["directPath", "ipv6"], problems);
}

function checkInstance(args: ResolvedArgs, problems: Problems): void {
  const typed =
    typeof args.instanceType === "string" && /^[a-z][a-z0-9-]*\.[a-z0-9-]+$/.test(args.instanceType);
  problems.require(typed, "instanceType", 'be like "t4g.small"', args.instanceType);
  const systems = ["debian", "ubuntu", "amazon-linux"];
  problems.require(systems.includes(args.os), "os", 'be "debian", "ubuntu" or "amazon-linux"', args.os);
  if (typeof args.amiId === "string") {
    problems.require(/^ami-[0-9a-f]+$/.test(args.amiId), "amiId", 'be like "ami-0abc"', args.amiId);
  }
  problems.require(
    isWhole(args.rootVolumeGib, 8, 16384),
    "rootVolumeGib",
    "be 8 to 16384",
    args.rootVolumeGib,
  );
  const tags: unknown = args.resourceTags;
  const mapped = typeof tags === "object" && tags !== null && !Array.isArray(tags);
  if (!problems.require(mapped, "resourceTags", "be a map of strings", tags)) return;
  // IAM takes tag keys that differ only in case for the same one.
  const keys = ["Name", "peer-relay:owner", ...Object.keys(args.resourceTags)];
  const unlike = new Set([...new Set(keys)].map((key) => key.toLowerCase())).size === new Set(keys).size;
  problems.require(
    unlike,
    "resourceTags",
    "have no keys that differ only in case (Name is one of ours)",
    keys,
  );
  const free = 50 - 2;
  const count = Object.keys(args.resourceTags).length;
  problems.require(count <= free, "resourceTags", `be at most ${free} (AWS takes 50, two are ours)`, count);
  const owner = args.resourceTags["peer-relay:owner"];
  problems.require(owner === undefined, "resourceTags", 'leave "peer-relay:owner" to us', owner);
  for (const [key, value] of Object.entries(args.resourceTags)) {
    problems.require(
      key.length > 0 && key.length <= 128,
      "resourceTags",
      "have keys of 1 to 128 characters",
      key,
    );
    problems.require(!/^aws:/i.test(key), "resourceTags", 'have no key that starts with "aws:"', key);
    const fits = typeof value === "string" && value.length <= 256;
    problems.require(fits, `resourceTags.${key}`, "be a string of at most 256 characters", value);
    // IAM's rule, the narrowest of those of the services that get the tags.
    const allowed = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;
    const spelt = allowed.test(key) && (typeof value !== "string" || allowed.test(value));
    const characters = "have letters, digits, spaces and _.:/=+-@ only";
    problems.require(spelt, `resourceTags.${key}`, characters, value);
  }
}

/** The arguments that hold what a relay joins with. */
const JOIN_SECRETS = ["authKey", "oauthClientSecret"] as const;

/** Checks the form of a join secret, now or as soon as it is known. Tells the rule and never the value. */
export function checkJoinSecret(key: (typeof JOIN_SECRETS)[number], value: string, problems: Problems): void {
  if (key === "authKey") {
    const ok = /^(tskey-auth-|hskey-auth-)[A-Za-z0-9_-]+$/.test(value);
    problems.requireSecret(ok, key, 'be an auth key, "tskey-auth-..."');
  } else {
    const ok = /^tskey-client-[A-Za-z0-9_-]+$/.test(value);
    problems.requireSecret(ok, key, 'be an OAuth client secret, "tskey-client-..."');
  }
}

function checkAuth(args: ResolvedArgs, problems: Problems): void {
  const [first, ...more] = [...JOIN_SECRETS, "workloadIdentity" as const].filter(
    (key) => args[key] !== undefined,
  );
  for (const key of more)
    problems.list.push(`${key} must not come with ${first}: a relay joins in one way, give one of them`);
  for (const key of JOIN_SECRETS) {
    const value = args[key];
    if (typeof value === "string") checkJoinSecret(key, value, problems);
  }
  const tagless = Array.isArray(args.tags) && args.tags.length === 0;
  if (args.oauthClientSecret !== undefined || args.workloadIdentity !== undefined) {
    problems.require(!tagless, "tags", "not be empty with oauthClientSecret or workloadIdentity", args.tags);
  }
  if (args.workloadIdentity !== undefined) {
    const { clientId, audience } = args.workloadIdentity ?? {};
    const word = (value: unknown) => typeof value === "string" && /^[^\s'"?]+$/.test(value);
    problems.require(
      word(clientId),
      "workloadIdentity.clientId",
      "be the id of a federated identity",
      clientId,
    );
    problems.require(word(audience), "workloadIdentity.audience", "be that identity's audience", audience);
  }
  const life = isWhole(args.keyExpirySeconds, 300, 7776000);
  problems.require(life, "keyExpirySeconds", "be 300 to 7776000", args.keyExpirySeconds);
}

function checkTailscale(args: ResolvedArgs, problems: Problems): void {
  const version = parseVersion(args.version);
  if (version === undefined) problems.require(false, "version", 'be exact, like "1.102.3"', args.version);
  else checkVersion(args, version, problems);
  if (args.install !== undefined) {
    const { tarball, sha256 } = args.install ?? {};
    checkUrl("install.tarball", tarball, problems);
    const hex = typeof sha256 === "string" && /^[0-9a-f]{64}$/.test(sha256);
    problems.require(hex, "install.sha256", "be 64 lower-case hexadecimal digits", sha256);
  }
  const endpoint = 'be an address and port, "203.0.113.9:40000" or "[2001:db8::9]:40000"';
  checkList(problems, "staticEndpoints", args.staticEndpoints, isEndpoint, endpoint);
  for (const key of ["loginServer", "ssmEndpoint"] as const) {
    if (args[key] !== undefined) checkUrl(key, args[key], problems);
  }
  const wait = isWhole(args.readyTimeoutSeconds, 30, 3600);
  problems.require(wait, "readyTimeoutSeconds", "be 30 to 3600", args.readyTimeoutSeconds);
  checkFlags(args, ["tailscaleSsh", "ssm"], problems);
}

function checkUrl(name: string, value: unknown, problems: Problems): void {
  if (!isHttpUrl(value) && !String(value).includes("@"))
    problems.require(false, name, "be an http or https address", value);
  else if (!isHttpUrl(value) || hasCredentials(String(value)))
    problems.requireSecret(false, name, "be an http or https address without user name and password");
}

function checkVersion(args: ResolvedArgs, version: [number, number, number], problems: Problems): void {
  const reason = refusal(version);
  if (reason) problems.require(false, "version", reason, args.version);
  const endpoints = Array.isArray(args.staticEndpoints) && args.staticEndpoints.length > 0;
  if (endpoints && !atLeast(version, STATIC_ENDPOINTS_SINCE)) {
    problems.require(false, "version", "be at least 1.92.0 for staticEndpoints", args.version);
  }
  if (args.workloadIdentity !== undefined && !atLeast(version, WORKLOAD_IDENTITY_SINCE)) {
    problems.require(false, "version", "be at least 1.94.0 for workloadIdentity", args.version);
  }
}
