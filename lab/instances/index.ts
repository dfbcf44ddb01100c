import { awsCloud, type AwsAccess } from "./aws";
import type { Cloud, CloudInstance } from "./cloud";
import {
  Machine,
  type InstanceFaults,
  type MachineContext,
  type MachineStatus,
  type Tailnet,
} from "./machine";
import { repeat } from "./repeat";

export { awsCloud } from "./aws";
export type { AwsAccess } from "./aws";
export { contentOf, readCloudConfig, writeFilesOf, type WriteFile } from "./cloud-config";
export { letsIn } from "./cloud";
export type { Cloud, CloudInstance, FirewallRule, InstanceRole } from "./cloud";
export { allows, trustsEc2, type PolicyDocument } from "./iam-policy";
export type { InstanceFaults, MachineStatus } from "./machine";
export { repeat } from "./repeat";
export { relaySettings } from "./user-data";

export interface InstancesOptions {
  /** The AWS API, as `startAws` returns it; or a cloud of one's own, for tests. */
  aws: AwsAccess | Cloud;
  tailscale: Tailnet;
  regions: string[];
  /** Between two looks at the cloud, in milliseconds. @default 300 */
  pollMs?: number;
  /** Wait of a machine after its first failure to join, in milliseconds; doubled each time. @default 500 */
  retryMs?: number;
  /** The longest wait between two tries, in milliseconds. @default 2000 */
  maxRetryMs?: number;
  /**
   * Until a machine whose device was taken out of the tailnet joins again, in milliseconds. The real one acts at the
   * second look of its health timer, after one to two minutes: long enough that a VM which is being replaced has been
   * terminated by then, and does not use up the key of the next one. @default 10000
   */
  rejoinMs?: number;
  faults?: InstanceFaults;
  /** @default Date.now */
  now?: () => number;
}

/** The machines of the lab. */
export interface Instances {
  /** May be changed at any time. */
  faults: InstanceFaults;
  status(): MachineStatus[];
  /** What EC2's console output would show of this machine; no secrets. */
  consoleOutput(instanceId: string): string[];
  /** Errors during polls, the AWS API's or our own, the last 50; the next poll goes on. */
  pollErrors: string[];
  /** Looks at the cloud now, once, and returns when all machines have done their part. */
  poll(): Promise<void>;
  close(): Promise<void>;
}

/**
 * SIMULATED instances: the control-plane half of a boot. Nothing is booted and no packet flows; for every running
 * instance whose user data carries the relay's env file, this does what the bootstrap does towards AWS and Tailscale
 * (see `boot.ts`): it needs its Elastic IP, its role and its parameter, joins the tailnet, stays connected until the
 * instance stops or is terminated, and joins again when its device was taken out of the tailnet.
 *
 * Instances that run already are picked up; those without the env file are left alone.
 */
export function startInstances(o: InstancesOptions): Instances {
  const cloud = isCloud(o.aws) ? o.aws : awsCloud(o.aws);
  const faults = o.faults ?? {};
  const context: MachineContext = {
    cloud,
    tailnet: o.tailscale,
    faults,
    now: o.now ?? Date.now,
    retryMs: o.retryMs ?? 500,
    maxRetryMs: o.maxRetryMs ?? 2000,
    rejoinMs: o.rejoinMs ?? 10_000,
  };
  const fleet = new Fleet(o.regions, context);
  const polling = repeat(() => fleet.poll(), o.pollMs ?? 300);
  return {
    faults,
    status: () => fleet.machines().map((m) => m.status()),
    consoleOutput: (id) => [...(fleet.machine(id)?.console ?? [])],
    pollErrors: fleet.errors,
    poll: () => polling.now(),
    close: async () => {
      await polling.stop();
      cloud.close();
    },
  };
}

function isCloud(aws: AwsAccess | Cloud): aws is Cloud {
  return "instances" in aws;
}

/** All machines, kept in step with what the cloud lists. */
class Fleet {
  readonly errors: string[] = [];
  private readonly byId = new Map<string, Machine>();
  private readonly foreign = new Set<string>();

  constructor(
    private readonly regions: string[],
    private readonly context: MachineContext,
  ) {}

  machines(): Machine[] {
    return [...this.byId.values()];
  }

  machine(id: string): Machine | undefined {
    return this.byId.get(id);
  }

  async poll(): Promise<void> {
    for (const region of this.regions) {
      try {
        await this.pollRegion(region);
      } catch (error) {
        this.note(region, error);
      }
    }
  }

  private note(region: string, error: unknown): void {
    const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    this.errors.push(`${region}: ${what}`);
    if (this.errors.length > 50) this.errors.shift();
  }

  private async pollRegion(region: string): Promise<void> {
    const listed = await this.context.cloud.instances(region);
    for (const instance of listed) await (await this.machineOf(instance))?.tick(instance);
    const ids = new Set(listed.map((i) => i.id));
    for (const [id, machine] of this.byId) {
      if (machine.status().region === region && !ids.has(id)) await machine.gone();
    }
  }

  private async machineOf(instance: CloudInstance): Promise<Machine | undefined> {
    const known = this.byId.get(instance.id);
    if (known || this.foreign.has(instance.id) || instance.state !== "running") return known;
    const machine = await Machine.from(instance, this.context);
    if (machine) this.byId.set(instance.id, machine);
    else this.foreign.add(instance.id);
    return machine;
  }
}
