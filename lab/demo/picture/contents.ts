import { boxId, type BoxId, type Device, type LabState, type Relay } from "./state";
import type { Row } from "./text";

/** A box before it has a place: what it is, and what it says. */
export interface Contents {
  id: BoxId;
  kind: "device" | "nat" | "control" | "derp" | "relay" | "none";
  rows: Row[];
}

export function deviceContents(device: Device): Contents {
  const rows: Row[] = [
    { value: device.name, label: "device", tone: "title" },
    { value: device.tailscaleIp, label: "tailnet" },
    { value: device.localIp, label: "local" },
  ];
  return { id: boxId.device(device), kind: "device", rows };
}

export function natContents(device: Device): Contents {
  const { name, isHard, publicIp } = device.nat;
  const rows: Row[] = [
    { value: name, label: isHard ? "hard NAT" : "easy NAT", tone: "title" },
    { value: publicIp, label: "public" },
    { value: isHard ? "new port per peer" : "one port for all" },
  ];
  return { id: boxId.nat(device), kind: "nat", rows };
}

/** What is above the internet: who introduces devices to each other. */
export function serverContents({ control, derp }: LabState): Contents[] {
  const { host } = new URL(control.url);
  const rows: Row[] = [
    { value: "control server", tone: "title" },
    { value: host, label: "address" },
  ];
  const regions = derp.map((region): Contents => {
    const title: Row = { value: region.code, label: "DERP region", tone: "title" };
    return {
      id: boxId.derp(region),
      kind: "derp",
      rows: [title, { value: region.address, label: "address" }],
    };
  });
  return [{ id: boxId.control, kind: "control", rows }, ...regions];
}

/** What is below the internet. */
export function relayContents({ relays }: LabState): Contents[] {
  if (relays.length > 0) return relays.map((relay) => ({ ...relayBox(relay), kind: "relay" }));
  return [{ id: "no relay", kind: "none", rows: [{ value: "no peer relay" }] }];
}

function relayBox(relay: Relay): Omit<Contents, "kind"> {
  const colon = relay.endpoint.lastIndexOf(":");
  const [ip, port] = [relay.endpoint.slice(0, colon), relay.endpoint.slice(colon + 1)];
  const { bytes, packets } = relay.forwarded;
  return {
    id: boxId.relay(relay),
    rows: [
      ...hostnameRows(relay.hostname, ip.replaceAll(".", "-")),
      { value: relay.endpoint, label: "Elastic IP" },
      relay.isOpen
        ? { value: `● udp/${port} open`, label: "security group", tone: "good" }
        : { value: `○ udp/${port} closed`, label: "security group", tone: "bad" },
      { value: relay.region, label: "region" },
      { value: relay.instanceId, label: "instance" },
      { value: relay.tailscaleIp, label: "tailnet" },
      { value: `${grouped(bytes)} bytes`, label: "forwarded" },
      { value: `${grouped(packets)} packets` },
    ],
  };
}

/** A relay's name ends with its address; broken there, it reads best. */
function hostnameRows(hostname: string, address: string): Row[] {
  const parts = hostname.endsWith(`-${address}`) ? [hostname.slice(0, -address.length), address] : [hostname];
  return parts.map((value) => ({ value, tone: "title" }));
}

function grouped(count: number): string {
  return count.toLocaleString("en-US");
}
