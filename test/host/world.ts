import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { HostFile } from "../../components/bootstrap";
import { programs } from "../../lab/hosts/cache";
import type { Outcome } from "../../lab/hosts";
import type { WorldControl } from "./services";

/** A relay host booted from a Debian image, with a control server, AWS and a mirror around it. */
export class World {
  readonly directory = mkdtempSync(join(tmpdir(), "peer-relay-host-"));
  private process: ChildProcess | undefined;
  private readonly cgroups = ["unified/", "systemd/", ""]
    .filter((mount) => existsSync(`/sys/fs/cgroup/${mount}cgroup.procs`))
    .map((mount) => `/sys/fs/cgroup/${mount}peer-relay-host-${process.pid}`);

  constructor(private readonly image: string) {
    for (const name of ["disk", "seed/var/lib/cloud/seed/nocloud", "seed/etc/cloud/cloud.cfg.d"]) {
      mkdirSync(join(this.directory, name), { recursive: true });
    }
    this.control({ role: true, parameters: {}, denied: false, mirror: true });
  }

  /** Changes what the services around the host do. */
  control(change: Partial<WorldControl>): void {
    const path = join(this.directory, "control.json");
    const before = existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as WorldControl) : {};
    writeFileSync(path, JSON.stringify({ ...before, ...change }));
  }

  path(...names: string[]): string {
    return join(this.directory, ...names);
  }

  /** Boots; `userData` reaches the host as cloud-init's NoCloud seed. */
  async start(userData: string): Promise<void> {
    const seed = this.path("seed/var/lib/cloud/seed/nocloud");
    writeFileSync(join(seed, "user-data"), userData);
    writeFileSync(join(seed, "meta-data"), "instance-id: i-0example\nlocal-hostname: relay-host\n");
    // The image has no locales to generate; cloud images have.
    writeFileSync(this.path("seed/etc/cloud/cloud.cfg.d/99-world.cfg"), "locale: false\n");
    writeFileSync(this.path("headscale.yaml"), headscaleConfig(this.directory));
    writeFileSync(this.path("derp.yaml"), derpMap);
    this.makeCertificate();
    const log = openSync(this.path("world.log"), "w");
    // nspawn makes control groups beside its own: a group of ours keeps them together, to be removed at the end.
    const enter = this.cgroups
      .map((group) => `mkdir -p ${group} && echo $$ >${group}/cgroup.procs`)
      .join("\n");
    const unshare = 'exec unshare -n -m -p -f --kill-child --mount-proc "$@"';
    this.process = spawn(
      "bash",
      [
        "-c",
        `set -e\n${enter}\n${unshare}`,
        "world",
        "bash",
        join(__dirname, "world.sh"),
        this.directory,
        this.image,
      ],
      {
        stdio: ["ignore", log, log],
        env: {
          ...process.env,
          HEADSCALE: programs.headscale,
          SERVICES: `${process.execPath} --import ${require.resolve("tsx")} ${join(__dirname, "services.ts")}`,
        },
      },
    );
    closeSync(log);
    await this.until(
      "the host boots",
      () => this.run("systemctl is-active multi-user.target").code === 0,
      60,
    );
  }

  /** Ends everything in the world; safe to call at any time. */
  async stop(): Promise<void> {
    const unshare = this.process;
    if (unshare?.pid !== undefined && unshare.exitCode === null && unshare.signalCode === null) {
      const gone = new Promise((resolve) => unshare.once("exit", resolve));
      process.kill(childOf(unshare.pid) ?? unshare.pid, "SIGKILL");
      await gone;
    }
    spawnSync("find", [...this.cgroups, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"]);
    if (process.env.KEEP_WORLD === undefined) rmSync(this.directory, { recursive: true, force: true });
  }

  /** Runs shell text in the namespaces around the host. */
  outside(text: string): Outcome {
    const pid = this.process?.pid === undefined ? undefined : childOf(this.process.pid);
    return pid ? inNamespaces(pid, ["-n", "-m", "-p"], text) : { code: null, text: "the world is not there" };
  }

  /** Runs shell text on the host, as root. */
  run(text: string): Outcome {
    const init = this.init();
    return init
      ? inNamespaces(init, ["-n", "-m", "-p", "-u", "-i", "-C"], text)
      : { code: null, text: "the host is not up" };
  }

  /** Like `run`, and throws when it fails. */
  must(text: string): string {
    const { code, text: output } = this.run(text);
    if (code !== 0) throw new Error(`${text}: exit code ${code}\n${output}${this.journal()}`);
    return output.trim();
  }

  headscale(text: string): string {
    const { code, text: output } = this.outside(
      `${programs.headscale} -c ${this.path("headscale.yaml")} ${text}`,
    );
    if (code !== 0) throw new Error(`headscale ${text}: exit code ${code}\n${output}`);
    return output.trim();
  }

  /** Puts files on the host as an installer would over SSH. */
  put(files: HostFile[]): void {
    for (const { path, mode, content } of files) {
      const target = join(this.path("disk/root"), path);
      const { code, text } = this.outside(
        `mkdir -p ${dirname(target)} && base64 -d >${target} <<'EOF'\n${Buffer.from(content).toString("base64")}\nEOF\nchmod ${mode} ${target}`,
      );
      if (code !== 0) throw new Error(`cannot write ${path}: ${text}`);
    }
  }

  console(): string {
    return readFileSync(this.path("console.log"), "utf8");
  }

  /** Waits for a condition; the error has the host's last words. */
  async until(what: string, condition: () => boolean, seconds: number): Promise<void> {
    const end = Date.now() + seconds * 1000;
    while (!condition()) {
      if (Date.now() > end) {
        const log = readFileSync(this.path("world.log"), "utf8");
        throw new Error(`not within ${seconds} s: ${what}\n${this.journal()}\n${log}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }

  /** TLS for the control server: after a failed try tailscaled comes by port 443 alone. The host trusts it. */
  private makeCertificate(): void {
    const [key, certificate] = [this.path("tls.key"), this.path("tls.crt")];
    const what =
      "req -x509 -nodes -days 2 -subj /CN=control -addext subjectAltName=IP:203.0.113.10 -newkey ec";
    const options = [
      ...what.split(" "),
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-keyout",
      key,
      "-out",
      certificate,
    ];
    const done = spawnSync("openssl", options, { encoding: "utf8" });
    if (done.status !== 0) throw new Error(`openssl: ${done.error?.message ?? done.stderr}`);
    cpSync(certificate, this.path("seed/etc/ssl/certs/control.pem"));
  }

  private journal(): string {
    return this.run("journalctl -o cat -n 40").text;
  }

  /** The host's first process, found from here: the world's nspawn has it as its only child. */
  private init(): number | undefined {
    const shell = this.process?.pid === undefined ? undefined : childOf(this.process.pid);
    const nspawn = shell ? childrenOf(shell).find((pid) => nameOf(pid) === "systemd-nspawn") : undefined;
    return nspawn ? childrenOf(nspawn).find((pid) => nameOf(pid) === "systemd") : undefined;
  }
}

function inNamespaces(pid: number, which: string[], text: string): Outcome {
  const done = spawnSync("nsenter", ["-t", String(pid), ...which, "--", "/bin/sh"], {
    input: text,
    encoding: "utf8",
    timeout: 180_000,
    env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" },
  });
  return { code: done.status, text: done.stdout + done.stderr };
}

function childrenOf(pid: number): number[] {
  const { stdout } = spawnSync("pgrep", ["-P", String(pid)], { encoding: "utf8" });
  return stdout.split("\n").filter(Boolean).map(Number);
}

const childOf = (pid: number): number | undefined => childrenOf(pid)[0];

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return "";
  }
}

const headscaleConfig = (directory: string): string => `server_url: https://203.0.113.10
listen_addr: 203.0.113.10:443
tls_cert_path: ${directory}/tls.crt
tls_key_path: ${directory}/tls.key
metrics_listen_addr: 127.0.0.1:9090
grpc_listen_addr: 127.0.0.1:50443
noise: { private_key_path: ${directory}/noise.key }
prefixes: { v4: 100.64.0.0/10, v6: "fd7a:115c:a1e0::/48", allocation: sequential }
derp: { server: { enabled: false }, urls: [], paths: ["${directory}/derp.yaml"], auto_update_enabled: false }
disable_check_updates: true
database: { type: sqlite, sqlite: { path: ${directory}/headscale.db } }
dns: { magic_dns: false, base_domain: tailnet.example, override_local_dns: false, nameservers: { global: [] } }
unix_socket: /run/headscale.sock
log: { level: info }
`;

const derpMap = `regions:
  900:
    regionid: 900
    regioncode: none
    regionname: None
    nodes: [{ name: 900a, regionid: 900, hostname: 203.0.113.10, ipv4: 203.0.113.10, stunport: -1, derpport: 1 }]
`;
