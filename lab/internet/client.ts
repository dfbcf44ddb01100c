import { accessSync, closeSync, constants, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import type { Internet } from "./internet";
import type { CommandOutcome, NetNs, RunningProcess } from "./namespace";
import { until } from "./wait";

/** Of a Unix socket, see unix(7). */
const SOCKET_PATH_MAX = 107;
const UP_TIMEOUT_S = 60;
const PING_TIMEOUT_S = 5;

/** What we read of `tailscale status --json`. */
export interface StatusJson {
  BackendState: string;
  Self: PeerStatus;
  /** By public key. */
  Peer?: Record<string, PeerStatus>;
}

/** One node in {@link StatusJson}. */
export interface PeerStatus {
  HostName: string;
  TailscaleIPs: string[] | null;
  Online: boolean;
  /** Its home DERP region, on whatever path it is. */
  Relay: string;
  /** Address and VNI, when it is reached through a peer relay. */
  PeerRelay: string;
  /** Its address, when it is reached directly. */
  CurAddr: string;
  Tags?: string[];
}

/** Options of {@link startClient}. */
export interface ClientOptions {
  /** Name of its namespace and of its device. */
  name: string;
  /** Name of a gateway made by `addNat` or `addFirewall`, or of an attached host, to run on that itself. */
  behind: string;
  /** The control server. */
  loginServer: string;
  /** File with the certificates in PEM that it trusts, instead of the machine's. */
  caFile: string;
  /** A real tun device. @default whether /dev/net/tun can be opened; without one, `userspace-networking` */
  tun?: boolean;
}

/** A real tailscaled on a host of its own. */
export interface TailnetClient {
  name: string;
  ns: NetNs;
  /** Whether it has a real tun device; without one only `tailscale nc` and the like reach the tailnet. */
  tun: boolean;
  /** tailscaled's socket, for `tailscale --socket=...`. */
  socket: string;
  /** Its addresses in the tailnet; empty before {@link up}. */
  ip4: string;
  ip6: string;
  /** Joins the tailnet, with further flags of `tailscale up`. @throws with the end of the log */
  up(authKey: string, ...flags: string[]): Promise<void>;
  /** Pings `count` times; what `tailscale ping` printed for each, e.g. `pong from ... via DERP(derp-1) in 1ms`. */
  ping(target: string, count?: number): Promise<string[]>;
  status(): Promise<StatusJson>;
  /** Runs the `tailscale` command. */
  cli(...args: string[]): Promise<CommandOutcome>;
  /** Its metrics, in Prometheus' format. */
  metrics(): Promise<string>;
  /** How its tailscaled is, and the end of its log. */
  lastWords(): string;
  /** Ends tailscaled in an orderly way. */
  stop(): Promise<void>;
  /** Kills tailscaled. */
  kill(): Promise<void>;
  /** Starts tailscaled again on the same state. */
  start(): Promise<void>;
}

/** Makes a host behind a gateway and starts tailscaled there; it joins with {@link TailnetClient.up}. */
export async function startClient(internet: Internet, options: ClientOptions): Promise<TailnetClient> {
  const { name, behind } = options;
  const lan = internet.lans.get(behind);
  const ns = lan ? await lan.join(name) : internet.ns(behind);
  const client = new Client(internet, ns, options);
  await client.start();
  return client;
}

/** Whether a real tun device can be made here. */
export function tunIsUsable(): boolean {
  try {
    accessSync("/dev/net/tun", constants.R_OK | constants.W_OK);
    closeSync(openSync("/dev/net/tun", "r+"));
    return true;
  } catch {
    return false;
  }
}

class Client implements TailnetClient {
  readonly name: string;
  readonly tun: boolean;
  ip4 = "";
  ip6 = "";
  private readonly dir: string;
  readonly socket: string;
  private daemon: RunningProcess | undefined;

  constructor(
    internet: Internet,
    readonly ns: NetNs,
    private readonly options: ClientOptions,
  ) {
    this.name = options.name;
    this.tun = options.tun ?? tunIsUsable();
    this.dir = join(internet.dir, options.name);
    this.socket = join(this.dir, "tailscaled.sock");
    if (this.socket.length > SOCKET_PATH_MAX) {
      throw new Error(
        `TMPDIR must be shorter: ${this.socket} has ${this.socket.length} characters, and the kernel takes ${SOCKET_PATH_MAX}`,
      );
    }
    mkdirSync(this.dir, { recursive: true });
  }

  async start(): Promise<void> {
    if (this.daemon?.running) return;
    const { dir, socket } = this;
    const device = this.tun ? "tailscale0" : "userspace-networking";
    this.daemon = this.ns.spawn(
      ["tailscaled", `--statedir=${dir}`, `--socket=${socket}`, `--tun=${device}`, "--no-logs-no-support"],
      {
        env: {
          SSL_CERT_FILE: this.options.caFile,
          TS_DEBUG_FIREWALL_MODE: "nftables",
          TS_DISABLE_PORTMAPPER: "1",
          // Else it keeps its log's settings in the cache of whoever runs us.
          TS_LOGS_DIR: dir,
          TS_PANIC_IF_HIT_MAIN_CONTROL: "1",
        },
        log: join(dir, "tailscaled.log"),
      },
    );
    await until(
      `tailscaled of ${this.name} answers`,
      30,
      async () => {
        if (!this.daemon?.running) throw new Error(this.lastWords());
        return (await this.cli("status", "--json")).code === 0;
      },
      () => this.lastWords(),
    );
  }

  cli(...args: string[]): Promise<CommandOutcome> {
    return this.ns.run(["tailscale", `--socket=${this.socket}`, ...args]);
  }

  async up(authKey: string, ...flags: string[]): Promise<void> {
    const { code, stdout, stderr } = await this.cli(
      "up",
      `--login-server=${this.options.loginServer}`,
      `--auth-key=${authKey}`,
      `--hostname=${this.name}`,
      "--accept-dns=false",
      `--timeout=${UP_TIMEOUT_S}s`,
      ...flags,
    );
    if (code !== 0) throw new Error(`tailscale up on ${this.name}: ${stdout}${stderr}\n${this.lastWords()}`);
    const addresses = (await this.status()).Self.TailscaleIPs ?? [];
    this.ip4 = addresses.find((address) => !address.includes(":")) ?? "";
    this.ip6 = addresses.find((address) => address.includes(":")) ?? "";
  }

  async ping(target: string, count = 1): Promise<string[]> {
    const { stdout, stderr } = await this.cli(
      "ping",
      `--c=${count}`,
      "--until-direct=false",
      `--timeout=${PING_TIMEOUT_S}s`,
      target,
    );
    return `${stdout}${stderr}`.split("\n").filter(Boolean);
  }

  async status(): Promise<StatusJson> {
    const { code, stdout, stderr } = await this.cli("status", "--json");
    if (code !== 0) throw new Error(`tailscale status on ${this.name}: ${stderr}\n${this.lastWords()}`);
    return JSON.parse(stdout) as StatusJson;
  }

  async metrics(): Promise<string> {
    return (await this.cli("metrics", "print")).stdout;
  }

  lastWords(): string {
    return this.daemon?.lastWords() ?? `tailscaled of ${this.name} was not started`;
  }

  async stop(): Promise<void> {
    await this.daemon?.stop();
  }

  async kill(): Promise<void> {
    await this.daemon?.kill();
  }
}
