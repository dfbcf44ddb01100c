import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Aws, startAws } from "./aws";
import { Engine, makeEngine } from "./engine";
import { Instances, startInstances } from "./instances";
import { InstalledPlugin, installPlugins } from "./providers";
import { startTailscale, TailscaleLab, TailscaleLabOptions } from "./tailscale";

export { makeStack, outputsOf, REPO, setConfig } from "./engine";
export type { CommandResult, Engine, Stack } from "./engine";

/** The regions of the example stacks. */
export const REGIONS = ["us-east-1", "eu-central-1", "ap-northeast-1"];

/** An embedded cloud: AWS's API, Tailscale's API, instances that join, and the real engine to drive it all. */
export interface Lab {
  dir: string;
  aws: Aws;
  tailscale: TailscaleLab;
  instances: Instances;
  engine: Engine;
  /** Which plugins the engine has: the vendor's, where this machine has them, or our stand-ins. */
  plugins: InstalledPlugin[];
  /** Ends everything that was started and removes `dir`. */
  close(): Promise<void>;
}

/** Options of {@link startLab}. */
export interface LabOptions extends TailscaleLabOptions {
  /** Keep the directory on close, to look at state and logs. @default false */
  keep?: boolean;
}

/** Starts the embedded cloud, all of it on the loopback and in one throw-away directory. */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const dir = mkdtempSync(join(tmpdir(), "peer-relay-lab-"));
  const closers: (() => Promise<void> | void)[] = options.keep
    ? []
    : [() => rmSync(dir, { recursive: true, force: true, maxRetries: 3 })];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const aws = await startAws({ dir });
    closers.push(aws.close);
    const tailscale = await startTailscale(options);
    closers.push(tailscale.close);
    const instances = startInstances({ aws, tailscale, regions: REGIONS });
    closers.push(instances.close);
    const engine = makeEngine(dir, { ...aws.env, ...tailscale.env });
    const plugins = await installPlugins({ pulumiHome: join(dir, "home"), pulumi: "pulumi" });
    return { dir, aws, tailscale, instances, engine, plugins, close };
  } catch (error) {
    await close();
    throw error;
  }
}
