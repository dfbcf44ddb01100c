import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startHeadscale, type Headscale } from "../../../lab/headscale";

/** A DERP map with a region that nobody serves: enough for a control server, and for nodes to join. */
export const unreachableDerp = `regions:
  900:
    regionid: 900
    regioncode: lab
    regionname: lab
    nodes:
      - { name: 900a, regionid: 900, hostname: 127.0.0.1, ipv4: 127.0.0.1, derpport: 9, stunport: -1 }
`;

/** A headscale on the loopback in a directory of its own. */
export interface World {
  dir: string;
  headscale: Headscale;
  /** Runs before the directory goes, last one first. */
  onClose: (() => Promise<void> | void)[];
  close(): Promise<void>;
}

export async function startWorld(users?: string[]): Promise<World> {
  const dir = mkdtempSync(join(tmpdir(), "peer-relay-headscale-"));
  const onClose: World["onClose"] = [() => rmSync(dir, { recursive: true, force: true, maxRetries: 3 })];
  const close = async () => {
    for (const closer of onClose.splice(0).reverse()) await closer();
  };
  try {
    const derpMapFile = join(dir, "derp.yaml");
    writeFileSync(derpMapFile, unreachableDerp);
    const headscale = await startHeadscale({ dir, address: "127.0.0.1", port: 0, derpMapFile, users });
    onClose.push(headscale.close);
    return { dir, headscale, onClose, close };
  } catch (error) {
    await close();
    throw error;
  }
}
