import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Server } from "node:http";
import {
  letsIn,
  relaySettings,
  trustsEc2,
  type AwsAccess,
  type Cloud,
  type CloudInstance,
  type FirewallRule,
  type InstanceFaults,
  type MachineStatus,
} from "../instances";
import { until, type Outcome } from "./command";
import { ConsoleFollower } from "./console";
import type { CredentialIssuer } from "./credentials";
import { describeInstance, type InstanceDetails } from "./details";
import { Gateway } from "./gateway";
import { instanceMetadata } from "./instance-metadata";
import type { Machine, MachineSettings } from "./machine";
import { closeServer, listen, metadataServer, type Metadata } from "./metadata";
import type { BootedHost, PublicNetwork } from "./network";

/** What all hosts share. */
export interface HostContext {
  aws: AwsAccess;
  cloud: Cloud;
  network: PublicNetwork;
  credentials: CredentialIssuer;
  faults: InstanceFaults;
  /** Each instance's scratch directory is made in it. */
  directory: string;
  image: string;
  ca?: string;
  makeMachine(settings: MachineSettings): Promise<Machine>;
  /** A public address that AWS lends. */
  lend(): string;
}

/** One instance of EC2, really booted behind its gateway. */
export class Host implements BootedHost {
  readonly instanceId: string;
  private readonly follower: ConsoleFollower;
  private wasRunning = false;
  private bootsSeen = 0;
  private deviceId: string | undefined;
  private publicIp: string | undefined;
  private lent: string | undefined;
  private rules: FirewallRule[] = [];
  private stuck = false;
  private removed = false;

  private constructor(
    private instance: CloudInstance,
    private readonly details: InstanceDetails,
    private readonly userData: Buffer | undefined,
    private readonly gateway: Gateway,
    private readonly metadata: Server[],
    private readonly machine: Machine,
    private readonly context: HostContext,
    consoleFile: string,
  ) {
    this.instanceId = instance.id;
    this.follower = new ConsoleFollower(consoleFile);
  }

  /** Everything but the power. @param number another one for each host */
  static async make(instance: CloudInstance, number: number, context: HostContext): Promise<Host> {
    const details = await describeInstance(context.aws, instance);
    const text = await context.cloud.userData(instance);
    const directory = join(context.directory, instance.id);
    mkdirSync(directory, { recursive: true });
    const consoleFile = join(context.directory, `${instance.id}.console.log`);
    const [base = "", length = "24"] = details.subnetCidr.split("/");
    const wanted = {
      mac: details.mac,
      privateIp: details.privateIp,
      prefixLength: Number(length),
      routerIp: nextAddress(base),
    };
    const gateway = await Gateway.make(context.network, instance.id, wanted, number);
    const servers: Server[] = [];
    try {
      const machine = await context.makeMachine({
        id: instance.id,
        directory,
        image: context.image,
        namespace: gateway.inner,
        gateway: gateway.name,
        mac: details.mac,
        privateIp: details.privateIp,
        hostName: `ip-${details.privateIp.replace(/\./g, "-")}`,
        ca: context.ca,
        consoleFile,
      });
      const userData = text ? Buffer.from(text, "base64") : undefined;
      const host = new Host(instance, details, userData, gateway, servers, machine, context, consoleFile);
      servers.push(metadataServer(() => host.metadataNow()));
      await listen(servers[0]!, gateway.metadataAddress, 80);
      return host;
    } catch (error) {
      await gateway.remove();
      throw error;
    }
  }

  /** Follows the cloud: addresses, rules, power. */
  async tick(now: CloudInstance): Promise<void> {
    this.instance = now;
    const running = now.state === "running";
    if (running) await this.followNetwork();
    if (running && !this.wasRunning) {
      this.stuck = this.neverBoots();
      if (!this.stuck) await this.machine.start();
    }
    if (!running && this.wasRunning) {
      if (now.state === "stopping" || now.state === "stopped") await this.machine.stop();
      else await this.machine.kill();
    }
    this.wasRunning = running;
    await this.followConsole();
  }

  private async followNetwork(): Promise<void> {
    const { cloud, lend } = this.context;
    const [elastic] = await cloud.elasticIps(this.instance);
    this.lent ??= this.details.lentAddress && !elastic ? lend() : undefined;
    this.publicIp = elastic ?? this.lent;
    this.rules = await cloud.firewall(this.instance);
    await this.gateway.update({
      publicIp: this.publicIp,
      ipv6: this.instance.ipv6Addresses,
      rules: this.rules,
      hopLimit: this.details.hopLimit,
    });
  }

  private async followConsole(): Promise<void> {
    if (this.machine.boots() !== this.bootsSeen) {
      this.bootsSeen = this.machine.boots();
      this.follower.reset();
    }
    const { state } = this.follower.read();
    if (state === "online" && this.machine.isOn() && this.deviceId === undefined) {
      this.deviceId = await this.askDeviceId();
    } else if (state !== "online") {
      this.deviceId = undefined;
    }
  }

  private async askDeviceId(): Promise<string | undefined> {
    const { code, text } = await this.machine.run("timeout 10 tailscale status --json --peers=false");
    return code === 0 ? (JSON.parse(text) as { Self?: { ID?: string } }).Self?.ID : undefined;
  }

  private neverBoots(): boolean {
    const { neverBoots } = this.context.faults;
    const { id: instanceId, region } = this.instance;
    const machine = { instanceId, region, hostname: this.relay()?.hostname ?? "" };
    return typeof neverBoots === "function" ? neverBoots(machine) : neverBoots === true;
  }

  /** The relay's settings, or undefined when its user data is none of ours. */
  private relay(): ReturnType<typeof relaySettings> {
    try {
      return relaySettings(this.userData?.toString("base64"));
    } catch {
      return undefined; // the host itself will tell
    }
  }

  private async metadataNow(): Promise<Metadata> {
    const { cloud, credentials } = this.context;
    const { instance, details, publicIp, userData } = this;
    const role = await cloud.role(instance);
    const profileArn = instance.instanceProfileArn;
    const usable = role && profileArn && trustsEc2(role.trust);
    return instanceMetadata({
      instance,
      details,
      publicIp,
      userData,
      role: usable
        ? {
            name: role.arn.split("/").at(-1) ?? "",
            profileArn,
            credentials: credentials.for(instance, role.arn),
          }
        : undefined,
    });
  }

  status(): MachineStatus {
    const { state, joins, problem } = this.follower.read();
    const relay = this.relay();
    const on = this.machine.isOn();
    const stuck = this.stuck ? "the machine hangs at boot (a fault of the lab)" : undefined;
    const isOpen = relay !== undefined && letsIn(this.rules, relay.port);
    return {
      instanceId: this.instanceId,
      region: this.instance.region,
      hostname: relay?.hostname ?? "",
      state: on ? state : this.stuck ? "booting" : "off",
      deviceId: this.deviceId,
      joins,
      serving: on && state === "online" && isOpen,
      problem: stuck ?? problem,
    };
  }

  isIn(region: string): boolean {
    return this.instance.region === region;
  }

  consoleOutput(): string[] {
    return this.follower.lines();
  }

  run(text: string): Promise<Outcome> {
    return this.machine.run(text);
  }

  async must(text: string): Promise<string> {
    const { code, text: output } = await this.run(text);
    if (code !== 0) throw new Error(`${text}: exit code ${code}\n${output}${await this.journal()}`);
    return output.trim();
  }

  async journal(lines = 40): Promise<string> {
    return (await this.run(`journalctl --no-pager -o cat -n ${lines}`)).text;
  }

  booted(seconds = this.machine.bootSeconds): Promise<void> {
    const isUp = async () => (await this.run("systemctl is-active multi-user.target")).code === 0;
    const seen = () => `its console ends with:\n${this.consoleOutput().slice(-30).join("\n")}`;
    return until(`${this.instanceId} boots`, isUp, seconds, seen);
  }

  async reboot(): Promise<void> {
    const boots = this.machine.boots();
    await this.run("systemctl reboot");
    const again = () => this.machine.boots() > boots;
    await until(`${this.instanceId} reboots`, again, this.machine.bootSeconds, () => this.journal());
    await this.booted();
  }

  kill(): Promise<void> {
    return this.machine.kill();
  }

  start(): Promise<void> {
    return this.machine.start();
  }

  /** Takes it away with its disk; its console stays. */
  async remove(): Promise<void> {
    if (this.removed) return;
    this.removed = true;
    await this.machine.remove();
    rmSync(join(this.context.directory, this.instanceId), { recursive: true, force: true });
    await Promise.all(this.metadata.map(closeServer));
    await this.gateway.remove();
  }
}

function nextAddress(ip: string): string {
  const parts = ip.split(".").map(Number);
  return [...parts.slice(0, 3), (parts[3] ?? 0) + 1].join(".");
}
