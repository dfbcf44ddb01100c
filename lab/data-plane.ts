import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Aws } from "./aws";
import { ClientKeyOptions, Headscale, startHeadscale } from "./headscale";
import { HostKind, Hosts, startHosts } from "./hosts";
import {
  addStandardGateways,
  CONTROL_ADDRESSES,
  Internet,
  startClient,
  startDerp,
  startInternet,
  TailnetClient,
} from "./internet";

/** The half of the lab in which packets flow: an internet, a control server, DERP, and clients. */
export interface DataPlane {
  internet: Internet;
  headscale: Headscale;
  /** A client behind a gateway (`nat-a`, `nat-b`, `nat-c`, `firewall-6`) that has joined the tailnet, as whom `key` says. */
  join(name: string, behind: string, key?: ClientKeyOptions): Promise<TailnetClient>;
  /** Boots what the lab's AWS runs. */
  boot(aws: Aws, regions: string[], kind?: HostKind): Promise<Hosts>;
  close(): Promise<void>;
}

/** Starts it. It has to run in namespaces of its own, see `lab/internet/enter.sh`. */
export async function startDataPlane(dir: string, users?: string[]): Promise<DataPlane> {
  mkdirSync(dir, { recursive: true });
  const internet = await startInternet({ dir: join(dir, "internet") });
  const closers: (() => Promise<void>)[] = [() => internet.close()];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    await addStandardGateways(internet);
    const derp = await startDerp(internet);
    const [address = "", ...otherAddresses] = CONTROL_ADDRESSES;
    const headscale = await startHeadscale({
      ...{ dir: join(dir, "headscale"), address, otherAddresses, derpMapFile: derp.mapFile, users },
    });
    closers.push(() => headscale.close());
    const join_ = async (name: string, behind: string, key?: ClientKeyOptions): Promise<TailnetClient> => {
      const { url, caFile } = headscale;
      const loginServer = behind === "firewall-6" ? `https://[${otherAddresses[0]}]` : url;
      const client = await startClient(internet, { name, behind, loginServer, caFile });
      closers.push(() => client.stop());
      await client.up(await headscale.createClientKey(key));
      return client;
    };
    const boot = async (aws: Aws, regions: string[], kind?: HostKind): Promise<Hosts> => {
      const hosts = await startHosts({
        ...{ internet, aws, regions, kind, dir: join(dir, "hosts"), ca: headscale.caFile },
      });
      closers.push(() => hosts.close());
      return hosts;
    };
    return { internet, headscale, join: join_, boot, close };
  } catch (error) {
    await close();
    throw error;
  }
}
