import { ApiError } from "./api-error";
import { runTests } from "./policy-tests";
import { readPolicy, type AclRule, type GrantRule, type Policy } from "./policy-shape";
import { isAddress, isUser, ownerError, referenceError, splitPorts, tagError } from "./selectors";

export type { Policy } from "./policy-shape";

/** Capabilities of Tailscale's own domain that a policy may grant; any other name there is refused. */
const tailscaleCapabilities = ["relay", "drive", "webui", "kubernetes", "tsidp", "golink"];

/**
 * Everything the service checks before it takes a policy: HuJSON, field names and types, the syntax of tags, owners,
 * groups and hosts, that whatever is referred to is defined, the rules for grants and acls, and the policy's own tests.
 *
 * Not checked, because what the service does is not known to us: that users exist (the service only warns), that
 * postures, `attrConfig`, `derpMap` and `nodeAttrs` values make sense, `sshTests` beyond their references.
 * @throws ApiError 400 with the service's words where they are known
 */
export function checkPolicy(text: string): Policy {
  const policy = readPolicy(text);
  checkDefinitions(policy);
  policy.acls?.forEach((rule) => checkAcl(rule, policy));
  policy.grants?.forEach((rule) => checkGrant(rule, policy));
  policy.ssh?.forEach((rule) => {
    if (!["accept", "check"].includes(rule.action)) refuse(`ssh: invalid action: "${rule.action}"`);
    checkReferences("src", rule.src, policy);
    checkReferences("dst", rule.dst, policy);
  });
  policy.nodeAttrs?.forEach((n) => checkReferences("target", n.target, policy));
  for (const a of policy.approvers ?? []) {
    if (a !== "autogroup:tagged") fail("autoApprovers", ownerError(a, policy));
  }
  policy.sshTests?.forEach((t) => {
    checkReferences("src", t.src, policy);
    checkReferences("dst", t.dst, policy);
  });
  runTests(policy.tests ?? [], policy);
  return policy;
}

function checkDefinitions(policy: Policy): void {
  for (const [group, members] of Object.entries(policy.groups ?? {})) {
    if (!/^group:[^:\s]+$/.test(group)) refuse(`invalid group name: "${group}"`);
    for (const m of members) {
      if (m.startsWith("group:")) refuse(`"${group}": groups can not contain groups: "${m}"`);
      if (!isUser(m) && !m.startsWith("user:*@")) refuse(`"${group}": invalid user: "${m}"`);
    }
  }
  for (const [tag, owners] of Object.entries(policy.tagOwners ?? {})) {
    fail(`tagOwners["${tag}"]`, tagError(tag));
    for (const owner of owners) fail(`tagOwners["${tag}"]`, ownerError(owner, policy));
  }
  for (const [host, address] of Object.entries(policy.hosts ?? {})) {
    if (host.includes(":") || host.includes("@") || host === "") refuse(`invalid host name: "${host}"`);
    if (!isAddress(address)) refuse(`hosts["${host}"]: invalid address: "${address}"`);
  }
  for (const [set, lines] of Object.entries(policy.ipsets ?? {})) {
    if (!/^ipset:[^:\s]+$/.test(set)) refuse(`invalid ipset name: "${set}"`);
    for (const line of lines) checkIpsetLine(set, line, policy);
  }
}

/** `add <x>`, `remove <x>` or `<x>`, x being an address, a host, another set or `autogroup:internet`. */
function checkIpsetLine(set: string, line: string, policy: Policy): void {
  const target = line.replace(/^(add|remove)\s+/, "").replace(/^host:/, "");
  if (target === "autogroup:internet" || isAddress(target)) return;
  if (/^(tag|user|group|autogroup):/.test(target) || isUser(target))
    refuse(`"${set}": not allowed: "${target}"`);
  fail(`"${set}"`, referenceError(target, policy, "dst"));
}

function checkAcl(rule: AclRule, policy: Policy): void {
  if (rule.action !== "accept") refuse(`acls: invalid action: "${rule.action}"`);
  checkReferences("src", rule.src, policy);
  checkPostures(rule.srcPosture, policy);
  const hosts = rule.dst.map((dst) => {
    const split = splitPorts(dst);
    if (!split) throw new ApiError(400, `dst="${dst}": port range is missing or invalid`);
    return split.host;
  });
  checkReferences("dst", hosts, policy);
}

function checkGrant(rule: GrantRule, policy: Policy): void {
  const capabilities = Object.keys(rule.app);
  if (rule.ip.length === 0 && capabilities.length === 0) refuse("ip and app can not both be empty");
  checkReferences("src", rule.src, policy);
  checkReferences("dst", rule.dst, policy);
  checkPostures(rule.srcPosture, policy);
  capabilities.forEach(checkCapability);
  rule.ip.forEach(checkIp);
  for (const via of rule.via) {
    if (!via.startsWith("tag:")) refuse("via can only be a tag");
    checkReferences("via", [via], policy);
  }
  if (capabilities.length > 0 && rule.dst.includes("autogroup:internet")) {
    refuse("cannot use app grants with autogroup:internet");
  }
  const everywhere = rule.dst.find((d) => d === "0.0.0.0/0" || d === "::/0");
  if (everywhere) refuse(`dst "${everywhere}": to allow all IP addresses, use "*" or "autogroup:internet"`);
  const selfless = rule.src.some((s) => s === "*" || s.startsWith("tag:") || s === "autogroup:tagged");
  if (selfless && rule.dst.includes("autogroup:self")) {
    refuse("autogroup:self can only be used with users, groups, or supported autogroups");
  }
}

function checkCapability(name: string): void {
  if (!/^[^/:\s]+\.[^/:\s]+\/[^\s:]+$/.test(name))
    refuse("capability name must have the form {domain}/{path}");
  const own =
    name.startsWith("tailscale.com/") && tailscaleCapabilities.some((c) => name === `tailscale.com/cap/${c}`);
  if (name.startsWith("tailscale.com/") && !own)
    refuse("capability name must not be in the tailscale.com domain");
}

/** `*`, `22`, `80-90`, `tcp:443`, `icmp:*`, `6:22`. */
function checkIp(ip: string): void {
  const match = /^(?:([a-z0-9*-]+):)?(\*|\d+(?:-\d+)?)$/i.exec(ip);
  if (!match) refuse(`invalid Internet protocol and port: "${ip}"`);
  const ports = match?.[2]?.split("-").map(Number) ?? [];
  if (ports.some((p) => p > 65535)) refuse(`port out of range: "${ip}"`);
}

function checkPostures(names: readonly string[], policy: Policy): void {
  for (const name of names) {
    if (!Object.hasOwn(policy.postures ?? {}, name)) refuse(`srcPosture=posture not found: "${name}"`);
  }
}

function checkReferences(
  field: "src" | "dst" | "target" | "via",
  refs: readonly string[],
  policy: Policy,
): void {
  for (const ref of refs) fail(field, referenceError(ref, policy, field === "dst" ? "dst" : "src"));
}

/** The service writes `src=tag not found: "tag:x"`. */
function fail(where: string, problem: string | undefined): void {
  if (problem !== undefined) refuse(`${where}=${problem}`);
}

function refuse(message: string): never {
  throw new ApiError(400, message);
}
