import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { judge, pathOf, type Observation } from "./verdict";

const USAGE = `usage: scripts/verify [--socket FILE] [--seconds N] DEVICE
  DEVICE     the other device: its name or Tailscale IP
  --socket   tailscaled's socket, where it is not the usual one
  --seconds  for how long to wait for the relay (5 to 600, default 40): a client that tried in vain tries again
             after half a minute
Exit status: 0 by a peer relay or directly; 1 not, and it says why; 2 usage.
`;

/** One device in `tailscale status --json`, as far as we read it. */
interface Peer {
  HostName: string;
  DNSName: string;
  TailscaleIPs: string[] | null;
  Online: boolean;
}

class Tailscale {
  constructor(private readonly socket: string | undefined) {}

  /** Runs the CLI; answers that it prints on standard error count too (`ping` does so when there is none). */
  run(...args: string[]): Promise<{ ok: boolean; text: string }> {
    const all = [...(this.socket ? [`--socket=${this.socket}`] : []), ...args];
    return new Promise((resolve, reject) => {
      execFile("tailscale", all, { timeout: 30_000 }, (error, stdout, stderr) => {
        if ((error as NodeJS.ErrnoException | null)?.code === "ENOENT") {
          reject(new Error("there is no `tailscale` on PATH: run this on a device of the tailnet"));
        } else resolve({ ok: error === null, text: stdout.trim() || stderr.trim() });
      });
    });
  }

  async json<T>(...args: string[]): Promise<T> {
    const { ok, text } = await this.run(...args);
    if (!ok) throw new Error(`tailscale ${args.join(" ")}: ${text}`);
    return JSON.parse(text) as T;
  }
}

const isNamed = (peer: Peer, name: string): boolean =>
  [peer.HostName, peer.DNSName.replace(/\.$/, ""), peer.DNSName.split(".")[0], ...(peer.TailscaleIPs ?? [])]
    .map((known) => known?.toLowerCase())
    .includes(name.toLowerCase().replace(/\.$/, ""));

async function observe(tailscale: Tailscale, name: string, seconds: number): Promise<Observation> {
  type Status = { Version: string; BackendState: string; Peer?: Record<string, Peer> };
  const status = await tailscale.json<Status>("status", "--json");
  const peers = Object.values(status.Peer ?? {});
  const peer = peers.find((candidate) => isNamed(candidate, name));
  const seen: Observation = {
    backendState: status.BackendState,
    version: /^\d+\.\d+\.\d+/.exec(status.Version)?.[0] ?? status.Version,
    target: peer && { name: peer.HostName, online: peer.Online },
    udp: true,
    relays: [],
    pongs: [],
    seconds,
  };
  const address = peer?.TailscaleIPs?.[0];
  if (seen.backendState !== "Running" || address === undefined) return seen;
  seen.pongs = await ping(tailscale, address, seconds);
  if (["relay", "direct"].includes(pathOf(seen.pongs.at(-1) ?? "") ?? "")) return seen;
  const servers = await tailscale.json<string[] | null>("debug", "peer-relay-servers");
  seen.relays = (servers ?? []).map((ip) => {
    const relay = peers.find((candidate) => candidate.TailscaleIPs?.includes(ip));
    return { ip, name: relay?.HostName ?? "this device", online: relay?.Online ?? true };
  });
  seen.udp = (await tailscale.json<{ UDP: boolean }>("netcheck", "--format=json")).UDP;
  return seen;
}

/** Pings once a second until the path is a better one than DERP, and says each path that it sees. */
async function ping(tailscale: Tailscale, address: string, seconds: number): Promise<string[]> {
  const end = Date.now() + seconds * 1000;
  const pongs: string[] = [];
  do {
    const { text } = await tailscale.run("ping", "--c=1", "--until-direct=false", "--timeout=5s", address);
    const pong = text.split("\n").find((line) => pathOf(line) !== undefined) ?? text.split("\n")[0] ?? "";
    if (pathOf(pong) !== pathOf(pongs.at(-1) ?? "") || pongs.length === 0) process.stdout.write(`${pong}\n`);
    pongs.push(pong);
    if (["relay", "direct"].includes(pathOf(pong) ?? "")) break;
    await sleep(1000);
  } while (Date.now() < end);
  return pongs;
}

async function main(): Promise<number> {
  const usage = (problem: string) => {
    process.stderr.write(`${problem}${USAGE}`);
    return 2;
  };
  let given;
  try {
    given = parseArgs({
      options: { socket: { type: "string" }, seconds: { type: "string" }, help: { type: "boolean" } },
      allowPositionals: true,
    });
  } catch (error) {
    return usage(`${(error as Error).message}\n`);
  }
  const { values, positionals } = given;
  const [name] = positionals;
  const seconds = Number(values.seconds ?? 40);
  if (values.help) return usage("");
  if (name === undefined || positionals.length > 1) return usage("DEVICE must be given, once\n");
  if (!Number.isInteger(seconds) || seconds < 5 || seconds > 600)
    return usage(`--seconds must be 5 to 600, got ${values.seconds}\n`);
  const verdict = judge(name, await observe(new Tailscale(values.socket), name, seconds));
  process.stdout.write(`${verdict.text}\n`);
  return verdict.ok ? 0 : 1;
}

main()
  .then((status) => (process.exitCode = status))
  .catch((error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  });
