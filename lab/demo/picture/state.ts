/** What the picture shows: the lab at one moment, in plain values that were read from it. */
export interface LabState {
  /** The device that pings, and the one that answers. */
  devices: [Device, Device];
  internet: {
    /** Address of its router. */
    router: string;
  };
  control: {
    /** The control server, as the devices know it. */
    url: string;
  };
  derp: DerpRegion[];
  relays: Relay[];
  /** How packets go from the first device to the second one. */
  path: LivePath;
  /** The relays' grants, as they are in the policy file. */
  grants: string[];
}

/** A device of the tailnet, on a local network behind a NAT. */
export interface Device {
  name: string;
  /** Its address in the tailnet. */
  tailscaleIp: string;
  /** Its address in its local network, with the length of the prefix. */
  localIp: string;
  nat: {
    name: string;
    /** Whether the NAT takes a new port for each peer, so that nobody can know it in advance. */
    isHard: boolean;
    publicIp: string;
  };
}

/** A DERP region. */
export interface DerpRegion {
  /** As `tailscale ping` has it: `derp-1`. */
  code: string;
  address: string;
}

/** A peer relay. */
export interface Relay {
  hostname: string;
  region: string;
  instanceId: string;
  /** Elastic IP and port: `203.0.113.30:40000`. */
  endpoint: string;
  tailscaleIp: string;
  /** Whether the security group lets UDP to the port in. */
  isOpen: boolean;
  /** What it has forwarded, as its own metrics count it. */
  forwarded: { bytes: number; packets: number };
}

/** The path that a pong came on, and the pong as `tailscale ping` printed it. */
export type LivePath = { latency: string; pong: string } & (
  | { via: "DERP"; region: string }
  | { via: "peer-relay"; endpoint: string; vni: number }
  | { via: "direct"; address: string }
);

/** The parts of the picture that have a box, by name. */
export type BoxId = string;

export const boxId = {
  device: (device: Device): BoxId => `device ${device.name}`,
  nat: (device: Device): BoxId => `nat ${device.nat.name}`,
  internet: "internet",
  control: "control",
  derp: (region: DerpRegion): BoxId => `derp ${region.code}`,
  relay: (relay: Relay): BoxId => `relay ${relay.hostname}`,
};

/**
 * The box by which the live path goes between the two NATs; none when it is a direct one.
 * @throws when the state has no such DERP region or relay
 */
export function stopOf({ path, derp, relays }: LabState): BoxId | undefined {
  switch (path.via) {
    case "direct":
      return undefined;
    case "DERP": {
      const region = derp.find(({ code }) => code === path.region);
      if (!region) throw missing("DERP region", path.region, derp.map(({ code }) => code)); // prettier-ignore
      return boxId.derp(region);
    }
    case "peer-relay": {
      const relay = relays.find(({ endpoint }) => endpoint === path.endpoint);
      if (!relay) throw missing("relay at", path.endpoint, relays.map(({ endpoint }) => endpoint)); // prettier-ignore
      return boxId.relay(relay);
    }
  }
}

function missing(what: string, wanted: string, known: string[]): Error {
  return new Error(`the path goes by the ${what} ${wanted}, but there is ${known.join(", ") || "none"}`);
}

/** The path in words, for those who do not see it. */
export function describePath(state: LabState): string {
  const [from, to] = state.devices;
  const stop = stopOf(state);
  const between = stop ? [stop.replace(/^derp /, "DERP region ")] : [];
  const stations = [from.name, from.nat.name, ...between, to.nat.name, to.name];
  return `Packets from ${from.name} to ${to.name} go ${stations.join(" → ")}; a ping's answer took ${state.path.latency}.`;
}
