import type { LabState, LivePath, Relay } from "../../../lab/demo/picture";

/** The relay with this number, counted from 1. */
export function relay(number: number): Relay {
  const ip = `203.0.113.${129 + number}`;
  return {
    hostname: `prod-eu-central-1-relay-${number}-${ip.replaceAll(".", "-")}`,
    region: "eu-central-1",
    instanceId: `i-0123456789abcde${number.toString(16).padStart(2, "0")}`,
    endpoint: `${ip}:40000`,
    tailscaleIp: `100.64.0.${number + 2}`,
    isOpen: true,
    forwarded: { bytes: 1_234_567 * number, packets: 1_234 * number },
  };
}

/** As many relays, from number 1 on. */
export function relays(count: number): Relay[] {
  return Array.from({ length: count }, (_, index) => relay(index + 1));
}

/** The path that a ping's answer takes by the relay. */
export function pathBy({ endpoint }: Relay): LivePath {
  const pong = `pong from desktop (100.64.0.2) via peer-relay(${endpoint}:vni:1) in 1ms`;
  return { via: "peer-relay", endpoint, vni: 1, latency: "1ms", pong };
}

const pong = "pong from desktop (100.64.0.2) via DERP(derp-1) in 14ms";
const byDerp: LivePath = { via: "DERP", region: "derp-1", latency: "14ms", pong };

/** The lab before there is a relay. */
export const onDerp: LabState = {
  devices: [
    {
      name: "laptop",
      tailscaleIp: "100.64.0.1",
      localIp: "192.168.31.2",
      nat: { name: "nat-a", isHard: true, publicIp: "198.51.100.31" },
    },
    {
      name: "desktop",
      tailscaleIp: "100.64.0.2",
      localIp: "192.168.32.2",
      nat: { name: "nat-b", isHard: true, publicIp: "198.51.100.32" },
    },
  ],
  internet: { router: "203.0.113.1" },
  control: { url: "https://203.0.113.10" },
  derp: [
    { code: "derp-1", address: "203.0.113.11" },
    { code: "derp-2", address: "203.0.113.12" },
  ],
  relays: [],
  path: byDerp,
  grants: [],
};

/** The lab with relays, of which `live` is the one on the path. */
export function onRelay(relays: Relay[], live = relays[0]!): LabState {
  const grants = [
    '{"src": ["autogroup:member"], "dst": ["tag:relay-prod-eu-central-1"], "app": {"tailscale.com/cap/relay": []}}',
  ];
  return { ...onDerp, relays, path: pathBy(live), grants };
}
