import type { Device } from "../tailscale";
import { BootError, join, portIsOpen, type ControlServer } from "./boot";
import type { Cloud, CloudInstance } from "./cloud";
import type { RelayEnv } from "./relay-env";
import { relaySettings } from "./user-data";

/** The tailnet as machines see it. */
export interface Tailnet extends ControlServer {
  devices(): Promise<Device[]>;
  setOnline(id: string, online: boolean): void;
}

/** What can be made to go wrong; may be changed while the lab runs. */
export interface InstanceFaults {
  /** Machines that start and never come on line. @default none */
  neverBoots?: boolean | ((machine: { instanceId: string; region: string; hostname: string }) => boolean);
}

/** How a machine is doing. */
export interface MachineStatus {
  instanceId: string;
  region: string;
  hostname: string;
  state: "booting" | "online" | "failing" | "off";
  /** Node id in the tailnet, once joined. */
  deviceId?: string;
  /** How often it joined: more than once means that it had to come back. */
  joins: number;
  /** On line, and its port open in the security group. */
  serving: boolean;
  /** Why it is not on line. */
  problem?: string;
}

export interface MachineContext {
  cloud: Cloud;
  tailnet: Tailnet;
  faults: InstanceFaults;
  now: () => number;
  /** Wait after the first failure, doubled with each further one, in milliseconds. */
  retryMs: number;
  maxRetryMs: number;
  /** Wait of a machine that finds itself out of the tailnet, in milliseconds. */
  rejoinMs: number;
}

/** How long the bootstrap does not offer a key again that was refused. */
const refusedKeyRestMs = 10 * 60_000;

/** One simulated relay host: boots, joins, notices when it is out of the tailnet, joins again, goes away. */
export class Machine {
  readonly console: string[] = [];
  private state: MachineStatus["state"] = "booting";
  private device: Device | undefined;
  private env: RelayEnv | undefined;
  private joins = 0;
  private serving = false;
  private problem: string | undefined;
  private failures = 0;
  private nextTry = 0;
  private refused: { digest: string; at: number } | undefined;

  private constructor(
    private readonly instance: CloudInstance,
    private readonly context: MachineContext,
  ) {}

  /** The machine of an instance, or undefined when its user data is not ours. Broken user data of ours never boots. */
  static async from(instance: CloudInstance, context: MachineContext): Promise<Machine | undefined> {
    const machine = new Machine(instance, context);
    try {
      machine.env = relaySettings(await context.cloud.userData(instance));
      if (!machine.env) return undefined;
    } catch (error) {
      machine.state = "failing";
      machine.report(`cloud-init: ${(error as Error).message}`);
    }
    return machine;
  }

  status(): MachineStatus {
    return {
      instanceId: this.instance.id,
      region: this.instance.region,
      hostname: this.env?.hostname ?? "",
      state: this.state,
      deviceId: this.device?.nodeId,
      joins: this.joins,
      serving: this.serving,
      problem: this.problem,
    };
  }

  /** One look at the world: follows the instance's state, and does what the bootstrap or the health timer would do. */
  async tick(now: CloudInstance): Promise<void> {
    if (now.state !== "running") return now.state === "pending" ? undefined : this.powerOff(now.state);
    if (!this.env || this.neverBoots(this.env)) return;
    if (this.device && (await this.isMember())) await this.checkHealth(now, this.env);
    else await this.tryToJoin(now, this.env);
  }

  /** The instance is not even listed any more. */
  async gone(): Promise<void> {
    await this.powerOff("terminated");
  }

  private async powerOff(state: string): Promise<void> {
    if (this.state === "off") return;
    if (this.device && (await this.isMember())) this.context.tailnet.setOnline(this.device.nodeId, false);
    this.state = "off";
    this.serving = false;
    this.log(`power off: instance is ${state}`);
  }

  private async checkHealth(now: CloudInstance, env: RelayEnv): Promise<void> {
    if (this.state === "off" && this.device) {
      this.context.tailnet.setOnline(this.device.nodeId, true);
      this.log("power on: connected again");
    }
    const open = await portIsOpen(now, env.port, this.context.cloud);
    this.state = "online";
    if (open !== this.serving)
      this.log(`udp/${env.port} is ${open ? "open" : "closed"} in the security group`);
    this.serving = open;
  }

  private async tryToJoin(now: CloudInstance, env: RelayEnv): Promise<void> {
    if (this.device) {
      this.log(`health: NeedsLogin, device ${this.device.nodeId} is no longer in the tailnet`);
      this.device = undefined;
      this.serving = false;
      this.state = "booting";
      this.nextTry = this.context.now() + this.context.rejoinMs;
    }
    if (this.context.now() < this.nextTry) return;
    try {
      this.device = await join(now, env, this.context.cloud, this.context.tailnet, this.refusedKey());
      this.joined(this.device);
      await this.checkHealth(now, env);
    } catch (error) {
      if (!(error instanceof BootError)) throw error;
      if (error.refused && error.refused !== this.refusedKey()) {
        this.refused = { digest: error.refused, at: this.context.now() };
      }
      this.failed(error.message);
    }
  }

  /** The key that is not worth offering: the one that was refused in the last minutes, as in the bootstrap. */
  private refusedKey(): string | undefined {
    const recent = this.refused && this.context.now() - this.refused.at < refusedKeyRestMs;
    return recent ? this.refused?.digest : undefined;
  }

  private joined(device: Device): void {
    this.joins++;
    this.failures = 0;
    this.problem = undefined;
    this.refused = undefined;
    this.log(
      `tailscale up: ${device.name} ${device.addresses.join(" ")}${device.authorized ? "" : " (needs approval)"}`,
    );
  }

  private failed(message: string): void {
    const { retryMs, maxRetryMs, now } = this.context;
    this.nextTry = now() + Math.min(retryMs * 2 ** this.failures, maxRetryMs);
    this.failures++;
    this.state = "failing";
    this.report(message);
  }

  private neverBoots(env: RelayEnv): boolean {
    const { neverBoots } = this.context.faults;
    const { id: instanceId, region } = this.instance;
    const stuck =
      typeof neverBoots === "function"
        ? neverBoots({ instanceId, region, hostname: env.hostname })
        : neverBoots === true;
    if (stuck && !this.device) this.report("the machine hangs at boot (a fault of the lab)");
    return stuck && !this.device;
  }

  private async isMember(): Promise<boolean> {
    return (await this.context.tailnet.devices()).some((d) => d.nodeId === this.device?.nodeId);
  }

  /** Keeps the problem, and writes it to the console once. */
  private report(problem: string): void {
    if (this.problem !== problem) this.log(problem);
    this.problem = problem;
  }

  private log(line: string): void {
    this.console.push(`${new Date(this.context.now()).toISOString()} peer-relay: ${line}`);
  }
}
