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

/** The addresses from the first to the last one. */
export interface Range {
  family: 4 | 6;
  first: bigint;
  last: bigint;
}

/** Reads `192.0.2.1-192.0.2.9`; undefined when it is not that. */
export function parseRange(text: string): Range | undefined {
  const [from, to, ...rest] = text.split("-");
  if (from === undefined || to === undefined || rest.length > 0 || text.includes("/")) return undefined;
  const [a, b] = [parseNetwork(from), parseNetwork(to)];
  if (!a || !b || a.family !== b.family || a.base > b.base) return undefined;
  return { family: a.family, first: a.base, last: b.base };
}

/** The fewest networks that hold exactly the range, in the notation of CIDR. */
export function formatNetworks({ family, first, last }: Range): string[] {
  const size = family === 4 ? 32 : 128;
  const networks: string[] = [];
  for (let base = first; base <= last;) {
    let free = 0;
    // As wide as the base's trailing zeros and the rest of the range allow.
    while (free < size && (base & (1n << BigInt(free))) === 0n && base + (2n << BigInt(free)) - 1n <= last)
      free++;
    networks.push(`${formatAddress(base, family)}/${size - free}`);
    base += 1n << BigInt(free);
  }
  return networks;
}

function formatAddress(value: bigint, family: 4 | 6): string {
  const [count, bits, radix, separator] = family === 4 ? [4, 8n, 10, "."] : [8, 16n, 16, ":"];
  const part = (i: number) =>
    (value >> (BigInt(count - 1 - i) * (bits as bigint))) & ((1n << (bits as bigint)) - 1n);
  return Array.from({ length: count as number }, (_, i) => part(i).toString(radix as number)).join(
    separator as string,
  );
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
