import { createHash, randomBytes, randomInt } from "node:crypto";

const alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz123456789";

/** A random string of letters and digits, as the service uses in its ids and keys. */
export function randomText(length: number): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join("");
}

/** A stable id such as `kT4nq8zW2mXCNTRL`; `prefix` is `k` for keys and `n` for nodes. */
export function newId(prefix: "k" | "n"): string {
  return `${prefix}${randomText(11)}CNTRL`;
}

/** A full key: its kind, its (public) id and its secret half. */
export function newSecret(kind: "api" | "auth" | "client", id: string): string {
  return `tskey-${kind}-${id}-${randomText(32)}`;
}

/** Secrets are kept as hashes only, so that no dump of the lab's state shows one. */
export function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Random hexadecimal text: node and machine keys. */
export function randomHex(bytes: number): string {
  return randomBytes(bytes).toString("hex");
}
