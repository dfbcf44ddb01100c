import type { WholeLab } from "..";
import { awsCloud, letsIn } from "../instances";
import type { TailnetClient } from "../internet";
import type { DerpRegion, Device, LabState, Relay } from "./picture";
import { counted, parsePong, relayGrants } from "./readings";

const NETCHECKS = 3;

/** A device of the demo, and the gateway in front of it. */
export interface Placed {
  client: TailnetClient;
  behind: string;
}

/** What a stack says about a relay, and the stack's region. */
export interface RelayOutputs {
  region: string;
  hostname: string;
  endpoint: string;
  instanceId: string;
  tailscaleIps: string[];
}

/** Reads from the lab what the picture shows. @param pong the last answer of the second device to the first one */
export async function capture(
  lab: WholeLab,
  [from, to]: [Placed, Placed],
  pong: string,
  relays: RelayOutputs[],
): Promise<LabState> {
  const { internet, headscale } = lab.dataPlane;
  const [route] = await json<{ gateway: string }[]>(
    internet.ns(from.behind).must(["ip", "-json", "-4", "route", "show", "default"]),
  );
  return {
    devices: [await deviceOf(from), await deviceOf(to)],
    internet: { router: route?.gateway ?? "" },
    control: { url: headscale.url },
    derp: await derpOf(from.client),
    relays: await Promise.all(relays.map((relay) => relayOf(lab, relay))),
    path: parsePong(pong),
    grants: relayGrants(lab.tailscale.policy.text),
  };
}

async function deviceOf({ client, behind }: Placed): Promise<Device> {
  const [link] = await json<{ addr_info: { local: string }[] }[]>(
    client.ns.must(["ip", "-json", "-4", "address", "show", "dev", "eth0"]),
  );
  return {
    name: client.name,
    tailscaleIp: client.ip4,
    localIp: link?.addr_info[0]?.local ?? "",
    nat: { name: behind, ...(await natOf(client)) },
  };
}

/** What its NAT does, as the device itself finds out. Only answers from two DERP regions tell; one may get lost. */
async function natOf(client: TailnetClient): Promise<Omit<Device["nat"], "name">> {
  for (let tries = 1; tries <= NETCHECKS; tries++) {
    const { MappingVariesByDestIP, GlobalV4 } = await json<{
      MappingVariesByDestIP: boolean | null;
      GlobalV4: string;
    }>(printed(client, "netcheck", "--format=json"));
    if (MappingVariesByDestIP !== null) {
      return { isHard: MappingVariesByDestIP, publicIp: GlobalV4.replace(/:\d+$/, "") };
    }
  }
  throw new Error(`${client.name}: ${NETCHECKS} times, tailscale netcheck could not tell what its NAT does`);
}

async function derpOf(client: TailnetClient): Promise<DerpRegion[]> {
  const { Regions } = await json<{
    Regions: Record<string, { RegionCode: string; Nodes: { IPv4: string }[] }>;
  }>(printed(client, "debug", "derp-map"));
  return Object.values(Regions).map(({ RegionCode, Nodes }) => ({
    code: RegionCode,
    address: Nodes[0]?.IPv4 ?? "",
  }));
}

async function relayOf(lab: WholeLab, relay: RelayOutputs): Promise<Relay> {
  const { region, hostname, endpoint, instanceId, tailscaleIps } = relay;
  const metrics = await lab.instances.host(instanceId).must("tailscale metrics print");
  const cloud = awsCloud(lab.aws);
  try {
    const instance = (await cloud.instances(region)).find(({ id }) => id === instanceId);
    if (!instance) throw new Error(`AWS has no instance ${instanceId} in ${region}`);
    const rules = await cloud.firewall(instance);
    return {
      ...{ hostname, region, instanceId, endpoint, tailscaleIp: tailscaleIps[0] ?? "" },
      isOpen: letsIn(rules, Number(endpoint.slice(endpoint.lastIndexOf(":") + 1))),
      forwarded: {
        bytes: counted(metrics, "tailscaled_peer_relay_forwarded_bytes_total"),
        packets: counted(metrics, "tailscaled_peer_relay_forwarded_packets_total"),
      },
    };
  } finally {
    cloud.close();
  }
}

async function printed(client: TailnetClient, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await client.cli(...args);
  if (code !== 0) throw new Error(`tailscale ${args.join(" ")} on ${client.name}: ${stderr}`);
  return stdout;
}

async function json<T>(text: Promise<string>): Promise<T> {
  return JSON.parse(await text) as T;
}
