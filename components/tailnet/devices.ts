import { TailnetClient } from "./client";

/** The fields of a device that this package looks at (Tailscale API, `GET /tailnet/{t}/devices?fields=all`). */
export interface Device {
  nodeId: string;
  hostname: string;
  name?: string;
  addresses?: string[];
  tags?: string[];
  created?: string;
  lastSeen?: string;
  authorized?: boolean;
  connectedToControl?: boolean;
}

/** What a relay's device must be before `up` may end. */
export interface DeviceExpectation {
  /** The host name that the bootstrap sets; it carries the Elastic IP, so it is this relay's alone. */
  hostname: string;
  /** All of them must be on the device; empty for an untagged relay. */
  tags: string[];
  /** ISO 8601. A device that joined before is an earlier life of this relay. */
  since: string;
}

/** `created` has whole seconds, and so has the server's Date header: allow for the rounding. */
const ROUNDING_MS = 2_000;
/** A server that does not report `connectedToControl` reports `lastSeen`; tailscaled refreshes it about each minute. */
const SEEN_RECENTLY_MS = 150_000;

/** All devices of the tailnet that carry one of these host names, oldest first, and the server's clock. */
export async function devicesNamed(
  client: TailnetClient,
  hostnames: string[],
): Promise<{ devices: Device[]; now: string }> {
  const answer = await client.send({ method: "GET", path: `${client.tailnet}/devices?fields=all` });
  const all = (JSON.parse(answer.text) as { devices?: Device[] }).devices ?? [];
  const devices = all
    .filter((device) => hostnames.some((hostname) => isNamed(device, hostname)))
    .sort((a, b) => Date.parse(a.created ?? "") - Date.parse(b.created ?? ""));
  return { devices, now: new Date(answer.date ?? Date.now()).toISOString() };
}

/** Whether the device carries this host name; case means nothing in it. */
export function isNamed(device: Device, hostname: string): boolean {
  return device.hostname?.toLowerCase() === hostname.toLowerCase();
}

/** Whether the device joined in this life of the relay, not in an earlier one. */
export function joinedSince(device: Device, since: string): boolean {
  return Date.parse(device.created ?? "") >= Date.parse(since) - ROUNDING_MS;
}

/** Whether the control server holds a connection to the device. */
export function isOnline(device: Device, now: string): boolean {
  if (device.connectedToControl !== undefined) return device.connectedToControl;
  return Date.parse(now) - Date.parse(device.lastSeen ?? "") < SEEN_RECENTLY_MS;
}

/**
 * The device that meets the expectation, or the reason why there is none yet, in words for the operator.
 * Of several, the one that joined last: a host that had to join again leaves its earlier device behind.
 */
export function findReady(
  devices: Device[],
  expected: DeviceExpectation,
  now: string,
): { device: Device } | { reason: string } {
  const candidates = devices.filter((device) => joinedSince(device, expected.since));
  const device = candidates[candidates.length - 1];
  if (!device) return { reason: `no device named ${expected.hostname} has joined the tailnet` };
  const missing = expected.tags.filter((tag) => !device.tags?.includes(tag));
  if (device.authorized === false) {
    return {
      reason: `device ${expected.hostname} waits for approval in the admin console (device approval is on)`,
    };
  }
  if (missing.length > 0) {
    const has = device.tags?.length ? device.tags.join(", ") : "no tags";
    return { reason: `device ${expected.hostname} joined with ${has}, expected ${expected.tags.join(", ")}` };
  }
  if (!isOnline(device, now)) return { reason: `device ${expected.hostname} joined but is offline` };
  return { device };
}

/** Deletes a device from the tailnet; one that is gone already is fine. */
export async function deleteDevice(client: TailnetClient, nodeId: string): Promise<void> {
  await client.send({ method: "DELETE", path: `/device/${encodeURIComponent(nodeId)}`, expect: [404] });
}

/** Keeps the node key of an untagged device from expiring; tagged devices have no expiry anyway. */
export async function disableKeyExpiry(client: TailnetClient, nodeId: string): Promise<void> {
  const body = JSON.stringify({ keyExpiryDisabled: true });
  await client.send({ method: "POST", path: `/device/${encodeURIComponent(nodeId)}/key`, body });
}
