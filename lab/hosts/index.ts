import { mkdirSync } from "node:fs";
import type { Server } from "node:http";
import {
  awsCloud,
  repeat,
  type AwsAccess,
  type CloudInstance,
  type InstanceFaults,
  type Instances,
} from "../instances";
import { Container } from "./container";
import { CredentialIssuer } from "./credentials";
import { awsGate } from "./gate";
import { Host, type HostContext } from "./host";
import { closeServer, listen } from "./metadata";
import { buildArchive, buildMirror, fileServer, type Mirror } from "./mirror";
import type { BootedHost, PublicNetwork } from "./network";
import { debianImage } from "./image";
import { whyNoHosts, type HostKind } from "./possible";
import { ProcessMachine } from "./process";
import { VirtualMachine } from "./virtual-machine";

export { debianImage } from "./image";
export { bestKind, whyNoHosts, type HostKind } from "./possible";
export { buildArchive, buildMirror, type Mirror } from "./mirror";
export type { BootedHost, PublicNetwork } from "./network";
export type { Outcome } from "./command";

const machines = { container: Container, machine: VirtualMachine, process: ProcessMachine };

/** Options of {@link startHosts}. */
export interface HostsOptions {
  /** The lab's internet, in whose namespaces this process runs. */
  internet: PublicNetwork;
  /** The AWS API, as `startAws` returns it. */
  aws: AwsAccess;
  regions: string[];
  /** Gets the consoles (`<instance id>.console.log`), and scratch directories while hosts live. */
  dir: string;
  /** What instances are. @default "container" */
  kind?: HostKind;
  /** The Debian image; a process has none. @default {@link debianImage} of the kind, made now if it has to be */
  image?: string;
  /** File with a certificate in PEM that the hosts trust beside the usual ones: the lab's control server's. */
  ca?: string;
  faults?: InstanceFaults;
  /** Where instances reach the AWS API and the mirror; has to be an address of this namespace. @default 203.0.113.10 */
  address?: string;
  /** Life of the instances' credentials, in milliseconds. @default one hour */
  credentialLifetimeMs?: number;
  /** Between two looks at the cloud, in milliseconds. @default 300 */
  pollMs?: number;
}

/** The booted machines of the lab. */
export interface Hosts extends Instances {
  /** @throws when there is no such instance (yet) */
  host(instanceId: string): BootedHost;
  /** Base URL of the mirror, `http://203.0.113.10`; for processes it has no packages, only the archive. */
  mirrorUrl: string;
  mirror: Mirror;
  /** What a stack sets as `ssmEndpoint`: `http://203.0.113.10:8000`. */
  ssmEndpoint: string;
}

/**
 * Boots every EC2 instance that runs in the lab's AWS: a real Debian, whose own cloud-init finds the instance's user data
 * at the metadata service and whose packets go through its security group and its Elastic IP. Needs root, or the kind
 * `process`, which is no booted Debian, and the lab's namespaces (`lab/internet/enter.sh`).
 *
 * An instance keeps its disk from launch to termination. One gateway per instance: there is no network between the
 * instances of a VPC but by their public addresses.
 *
 * @throws when this machine cannot, see {@link whyNoHosts}
 */
export async function startHosts(o: HostsOptions): Promise<Hosts> {
  const address = o.address ?? "203.0.113.10";
  const cloud = awsCloud(o.aws);
  const credentials = new CredentialIssuer(o.credentialLifetimeMs);
  const faults = o.faults ?? {};
  mkdirSync(o.dir, { recursive: true });
  const { kind = "container" } = o;
  const problem = whyNoHosts(kind);
  if (problem) throw new Error(problem);
  const image = kind === "process" ? "/" : (o.image ?? debianImage(kind));
  const mirror = await (kind === "process" ? buildArchive() : buildMirror(image));
  const servers: Server[] = [];
  const serve = async (server: Server, port: number): Promise<void> => {
    await listen(server, address, port);
    servers.push(server);
  };
  const closeServers = () => Promise.all(servers.map(closeServer));
  try {
    await serve(awsGate({ credentials, cloud }), 8000);
    await serve(fileServer(mirror.directory), 80);
  } catch (error) {
    await closeServers();
    throw error;
  }
  let lent = 0;
  const fleet = new Fleet(o.regions, {
    aws: o.aws,
    cloud,
    network: o.internet,
    credentials,
    faults,
    directory: o.dir,
    image,
    ca: o.ca,
    makeMachine: (settings) => machines[kind].make(settings),
    lend: () => `198.51.100.${128 + (lent++ % 100)}`,
  });
  const polling = repeat(() => fleet.poll(), o.pollMs ?? 300);
  return {
    faults,
    mirror,
    mirrorUrl: `http://${address}`,
    ssmEndpoint: `http://${address}:8000`,
    status: () => fleet.hosts().map((host) => host.status()),
    consoleOutput: (id) => fleet.find(id)?.consoleOutput() ?? [],
    host: (id) => {
      const found = fleet.find(id);
      if (!found) throw new Error(`the lab has booted no instance ${id}`);
      return found;
    },
    pollErrors: fleet.errors,
    poll: () => polling.now(),
    close: async () => {
      await polling.stop();
      await Promise.all(fleet.hosts().map((host) => host.remove()));
      await closeServers();
      cloud.close();
    },
  };
}

/** All hosts, kept in step with what the cloud lists. */
class Fleet {
  readonly errors: string[] = [];
  private readonly byId = new Map<string, Host>();
  private number = 0;

  constructor(
    private readonly regions: string[],
    private readonly context: HostContext,
  ) {}

  hosts(): Host[] {
    return [...this.byId.values()];
  }

  find(id: string): Host | undefined {
    return this.byId.get(id);
  }

  async poll(): Promise<void> {
    for (const region of this.regions) {
      await this.pollRegion(region).catch((error: unknown) => this.note(region, error));
    }
  }

  private note(where: string, error: unknown): void {
    const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    this.errors.push(`${where}: ${what}`);
    if (this.errors.length > 50) this.errors.shift();
  }

  private async pollRegion(region: string): Promise<void> {
    const listed = await this.context.cloud.instances(region);
    // At the same time: one that shuts down must not hold up the others.
    await Promise.all(
      listed.map((instance) =>
        this.follow(instance).catch((error: unknown) => this.note(instance.id, error)),
      ),
    );
    const ids = new Set(listed.map((instance) => instance.id));
    const gone = this.hosts().filter((host) => host.isIn(region) && !ids.has(host.instanceId));
    await Promise.all(gone.map((host) => host.remove()));
  }

  private async follow(instance: CloudInstance): Promise<void> {
    const known = this.byId.get(instance.id);
    if (!known && instance.state !== "running") return;
    const host = known ?? (await Host.make(instance, (this.number++ % 168) + 1, this.context));
    this.byId.set(instance.id, host);
    await host.tick(instance);
    if (instance.state === "terminated") await host.remove();
  }
}
