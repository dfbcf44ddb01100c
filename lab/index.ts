import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Aws, startAws } from "./aws";
import { DataPlane, startDataPlane } from "./data-plane";
import { Engine, makeEngine } from "./engine";
import { bestKind, type HostKind, type Hosts } from "./hosts";
import { Instances, startInstances } from "./instances";
import { InstalledPlugin, installPlugins } from "./providers";
import { startTailscale, TailscaleLab, TailscaleLabOptions } from "./tailscale";

export { makeStack, outputsOf, REPO, setConfig } from "./engine";
export type { DataPlane } from "./data-plane";
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

/** A lab whose instances really boot, on an internet of its own. */
export interface WholeLab extends Lab {
  dataPlane: DataPlane;
  instances: Hosts;
  /** Config that makes a stack's relays use the lab's control server, parameters and mirror. */
  stackConfig: Record<string, unknown>;
}

/** Options of {@link startWholeLab}. */
export interface WholeLabOptions extends LabOptions {
  /** People of the tailnet by login, the first one the admin. @default one admin */
  users?: string[];
  /** What instances are. @default containers for root, else processes */
  kind?: HostKind;
}

/**
 * Starts the embedded cloud with its data plane: headscale behind the Tailscale API, DERP, NATs, and instances that boot.
 * @throws outside of `lab/internet/enter.sh`, and where `whyNoHosts` has a reason
 */
export async function startWholeLab(options: WholeLabOptions = {}): Promise<WholeLab> {
  const dir = mkdtempSync(join(tmpdir(), "peer-relay-lab-"));
  const closers: (() => Promise<void> | void)[] = options.keep
    ? []
    : [() => rmSync(dir, { recursive: true, force: true, maxRetries: 3 })];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const dataPlane = await startDataPlane(dir, options.users);
    closers.push(dataPlane.close);
    const aws = await startAws({ dir });
    closers.push(aws.close);
    const tailscale = await startTailscale({ ...options, control: dataPlane.headscale.control });
    closers.push(tailscale.close);
    const instances = await dataPlane.boot(aws, REGIONS, options.kind ?? bestKind());
    const engine = makeEngine(dir, { ...aws.env, ...tailscale.env });
    closers.push(() => engine.stop());
    const plugins = await installPlugins({ pulumiHome: join(dir, "home"), pulumi: "pulumi" });
    const { mirrorUrl, mirror, ssmEndpoint } = instances;
    const stackConfig = {
      "peer-relay:loginServer": dataPlane.headscale.url,
      "peer-relay:ssmEndpoint": ssmEndpoint,
      "peer-relay:install": { tarball: `${mirrorUrl}/${mirror.archive}`, sha256: mirror.sha256 },
    };
    return { dir, aws, tailscale, instances, engine, plugins, close, dataPlane, stackConfig };
  } catch (error) {
    await close();
    throw error;
  }
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
    closers.push(() => engine.stop());
    const plugins = await installPlugins({ pulumiHome: join(dir, "home"), pulumi: "pulumi" });
    return { dir, aws, tailscale, instances, engine, plugins, close };
  } catch (error) {
    await close();
    throw error;
  }
}
