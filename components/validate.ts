import { isIP } from "net";

/**
 * Small predicates for argument values. Each answers with the rule that the value breaks, or nothing; the caller
 * names the argument. Values that are not known yet (outputs) are not looked at.
 */

/** Raised for bad arguments: all of them at once, one line each, before any resource exists. */
export class InvalidArgsError extends Error {
  problems: string[];
  constructor(what: string, problems: string[]) {
    super(`invalid ${what}:\n${problems.map((problem) => `  ${problem}`).join("\n")}`);
    this.name = "InvalidArgsError";
    this.problems = problems;
  }
}

/** A value as an error text may show it: short, quoted, one line. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** Collects the problems of one set of arguments. */
export class Problems {
  list: string[] = [];

  /** Notes `name must rule, got value` unless `ok`. Returns `ok`, so that further checks can build on it. */
  require(ok: boolean, name: string, rule: string, value: unknown): boolean {
    if (!ok) this.list.push(`${name} must ${rule}, got ${show(value)}`);
    return ok;
  }

  /** As {@link require}, for a value that may not be shown. */
  requireSecret(ok: boolean, name: string, rule: string): boolean {
    if (!ok) this.list.push(`${name} must ${rule} (its value is a secret and not shown)`);
    return ok;
  }

  throwIfAny(what: string): void {
    if (this.list.length > 0) throw new InvalidArgsError(what, this.list);
  }
}

export function isWhole(value: unknown, from: number, to: number): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= from && value <= to;
}

export function isStringList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string" && item.length > 0);
}

/**
 * A value that is known only later: a promise, or a Pulumi output. An output is told by the mark that every copy of the
 * SDK gives its own, so that the files of pure functions need no SDK.
 */
export function isLater(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return "then" in value || (value as { __pulumiOutput?: unknown }).__pulumiOutput === true;
}

export function isSubnetId(value: unknown): boolean {
  return typeof value === "string" && /^subnet-[0-9a-f]+$/.test(value);
}

/** Tailscale's rule for tag names: `tag:`, a letter, then letters, digits and dashes. */
export function isTag(value: unknown): boolean {
  return typeof value === "string" && /^tag:[A-Za-z][A-Za-z0-9-]*$/.test(value);
}

/** Who may own a tag: an autogroup, a group, a user or a tag. */
export function isTagOwner(value: unknown): boolean {
  return (
    isTag(value) ||
    (typeof value === "string" && /^(autogroup:[a-z-]+|group:[^\s:]+|[^\s@:]+@[^\s@]*)$/.test(value))
  );
}

/** A selector of a grant's `src` or `dst`: one word without spaces or control characters. */
export function isSelector(value: unknown): boolean {
  return (
    typeof value === "string" && /^[^\s\p{Cc}"]+$/u.test(value) && (!value.startsWith("tag:") || isTag(value))
  );
}

/** A protocol and port of a grant's `ip`: `*`, `443`, `80-90`, `tcp:22`, `udp:*`, `icmp:*`, a protocol number. */
export function isIpSpec(value: unknown): boolean {
  const match =
    typeof value === "string" ? /^(?:[a-z0-9-]+:)?(?:\*|(\d{1,5})(?:-(\d{1,5}))?)$/.exec(value) : null;
  if (!match) return false;
  const [, from, to = from] = match;
  return from === undefined || (Number(from) <= Number(to) && Number(to) <= 65535);
}

export function isCidr(value: unknown): boolean {
  if (typeof value !== "string") return false;
  const [address, bits, ...rest] = value.split("/");
  const version = isIP(address ?? "");
  if (version === 0 || rest.length > 0 || !/^\d{1,3}$/.test(bits ?? "")) return false;
  return Number(bits) <= (version === 4 ? 32 : 128);
}

/** Whether a CIDR block is as AWS wants it: by the network's own address, in its canonical spelling. */
export function isCanonicalCidr(value: string): boolean {
  const match = /^([0-9a-f.:]+)\/(0|[1-9]\d{0,2})$/.exec(value);
  if (!match) return false;
  const [, address = "", length = ""] = match;
  const bits = Number(length);
  if (isIP(address) === 4) return isNetwork(address.split(".").map(Number), 8, bits);
  return isCanonical6(address) && isNetwork(groupsOf(address), 16, bits);
}

/** Whether all bits behind the first `bits` are zero. */
function isNetwork(parts: number[], width: number, bits: number): boolean {
  return parts.every((part, i) => {
    const free = Math.min(width, Math.max(0, (i + 1) * width - bits));
    return part % 2 ** free === 0;
  });
}

/** The spelling that a URL's host is brought to (RFC 5952). */
function isCanonical6(address: string): boolean {
  return new URL(`http://[${address}]`).hostname === `[${address}]`;
}

function groupsOf(address: string): number[] {
  const [head = "", tail] = address.split("::");
  const parse = (text: string) => (text === "" ? [] : text.split(":").map((group) => parseInt(group, 16)));
  const [left, right] = [parse(head), parse(tail ?? "")];
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}

/** `203.0.113.9:40000` or `[2001:db8::9]:40000`: a literal address, never a name (tailscale parses it so). */
export function isEndpoint(value: unknown): boolean {
  const match =
    typeof value === "string" ? /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(value) : null;
  if (!match) return false;
  const [, six, four, port] = match;
  return isIP(six ?? four ?? "") === (six === undefined ? 4 : 6) && isWhole(Number(port), 1, 65535);
}

export function isHttpUrl(value: unknown): boolean {
  if (typeof value !== "string" || /[\s'"\\]/.test(value)) return false;
  try {
    return ["http:", "https:"].includes(new URL(value).protocol);
  } catch {
    return false;
  }
}

/** Whether there is a user name or a password in an address, which then would stand in state and user data in clear. */
export function hasCredentials(url: string): boolean {
  const { username, password } = new URL(url);
  return username !== "" || password !== "";
}
