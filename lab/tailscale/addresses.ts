import { isIP } from "node:net";

/** An IP network as a number range test: base address, prefix length and family. */
export interface Network {
  family: 4 | 6;
  base: bigint;
  bits: number;
}

/** Reads `192.0.2.1`, `192.0.2.0/24`, `fd7a::1` or `fd7a::/48`; undefined when it is none of these. */
export function parseNetwork(text: string): Network | undefined {
  const [ip = "", length, ...rest] = text.split("/");
  const family = isIP(ip);
  if (family === 0 || rest.length > 0) return undefined;
  const size = family === 4 ? 32 : 128;
  if (length !== undefined && !/^\d{1,3}$/.test(length)) return undefined;
  const bits = length === undefined ? size : Number(length);
  if (bits > size) return undefined;
  return { family: family as 4 | 6, base: family === 4 ? ipv4(ip) : ipv6(ip), bits };
}

/** Whether `outer` holds all of `inner`. */
export function contains(outer: Network, inner: Network): boolean {
  if (outer.family !== inner.family || outer.bits > inner.bits) return false;
  const shift = BigInt((outer.family === 4 ? 32 : 128) - outer.bits);
  return outer.base >> shift === inner.base >> shift;
}

const tailnetRanges = ["100.64.0.0/10", "fd7a:115c:a1e0::/48"].map((t) => parseNetwork(t)!);
const privateRanges = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"].map((t) =>
  parseNetwork(t)!,
);

/** Addresses that Tailscale gives to devices. */
export function isTailnetAddress(n: Network): boolean {
  return tailnetRanges.some((r) => contains(r, n) || contains(n, r));
}

/** Neither a device's address nor a private one: what `autogroup:internet` stands for. */
export function isInternet(n: Network): boolean {
  return !isTailnetAddress(n) && !privateRanges.some((r) => contains(r, n));
}

function ipv4(text: string): bigint {
  return text.split(".").reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
}

function ipv6(text: string): bigint {
  const [head = "", tail] = expandIpv4(text).split("::");
  const left = head ? head.split(":") : [];
  const right = tail ? tail.split(":") : [];
  const zeros = tail === undefined ? [] : Array<string>(8 - left.length - right.length).fill("0");
  return [...left, ...zeros, ...right].reduce((sum, part) => (sum << 16n) | BigInt(`0x${part}`), 0n);
}

/** `::ffff:192.0.2.1` with its last 32 bits in hexadecimal. */
function expandIpv4(text: string): string {
  return text.replace(/(\d+\.\d+\.\d+\.\d+)$/, (v4) => {
    const n = ipv4(v4);
    return `${(n >> 16n).toString(16)}:${(n & 0xffffn).toString(16)}`;
  });
}
