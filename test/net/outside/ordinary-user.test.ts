import assert from "node:assert/strict";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { REPO } from "../../../lab";
import { cache } from "../../../lab/hosts/cache";
import { until } from "../../../lab/hosts/command";

/** What the demo leaves on purpose, and tsx's own cache. */
const expectedFiles = /^(peer-relay-demo-\w+|tsx-\d+)$/;

/** Someone who is nobody on this machine, running a program of the checkout. */
class OrdinaryUser {
  // Short: there is a limit on the paths of sockets.
  private readonly scratch = mkdtempSync("/tmp/pru-");
  private readonly uid = 40_000 + Math.floor(Math.random() * 20_000);
  private child: ChildProcess | undefined;
  output = "";

  constructor() {
    chmodSync(this.scratch, 0o755);
  }

  /** Whether this machine lets ordinary users make namespaces at all. */
  mayHaveNamespaces(): boolean {
    const drop = ["--reuid", String(this.uid), "--regid", String(this.uid), "--clear-groups"];
    return (
      spawnSync("setpriv", [...drop, "unshare", "--user", "--map-root-user", "--net", "true"]).status === 0
    );
  }

  /** A directory that comes first on the user's PATH, with one program in it. */
  program(name: string, text: string): string {
    const directory = join(this.scratch, "bin");
    mkdirSync(directory);
    writeFileSync(join(directory, name), text, { mode: 0o755 });
    return directory;
  }

  start(...command: string[]): void {
    const as = ["bash", join(__dirname, "ordinary-user.sh"), this.scratch, String(this.uid), REPO, cache];
    const child = spawn("unshare", ["-m", "--propagation", "private", ...as, ...command]);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => (this.output += text));
    }
    child.stdin.end();
    this.child = child;
  }

  interrupt(): void {
    this.child?.kill("SIGTERM"); // each program on the way to the demo becomes the next one
  }

  async ended(): Promise<number | null> {
    const child = this.child!;
    if (child.exitCode === null && child.signalCode === null) {
      await new Promise((resolve) => child.once("close", resolve));
    }
    return child.exitCode;
  }

  private processes(): string[] {
    const text = (pid: string, file: string) => {
      try {
        return readFileSync(`/proc/${pid}/${file}`, "utf8");
      } catch {
        return ""; // gone meanwhile
      }
    };
    return readdirSync("/proc")
      .filter(
        (name) => /^\d+$/.test(name) && new RegExp(`^Uid:\t${this.uid}\t`, "m").test(text(name, "status")),
      )
      .map((pid) => text(pid, "cmdline").replaceAll("\0", " "));
  }

  /** Processes and files that are left, but for those that should be. */
  async left(): Promise<string[]> {
    // The kernel takes a moment to end the processes of a namespace.
    await until("the end of the user's processes", () => this.processes().length === 0, 10).catch(
      () => undefined,
    );
    const temporary = readdirSync(join(this.scratch, "t")).filter((name) => !expectedFiles.test(name));
    const home = readdirSync(join(this.scratch, "home"), { recursive: true });
    return [...this.processes(), ...temporary, ...home.map(String)];
  }

  async leave(): Promise<void> {
    this.child?.kill("SIGKILL");
    if (this.child) await this.ended();
    rmSync(this.scratch, { recursive: true, force: true });
  }
}

/* Run by root, outside of the lab's namespaces: what a visitor of this machine gets from the README's first command. */
describe("scripts/demo, started by an ordinary user", function () {
  let user: OrdinaryUser;
  beforeEach(() => (user = new OrdinaryUser()));
  afterEach(() => user.leave());

  it("shows real packets between processes, says what that leaves out, and leaves nothing behind", async function () {
    this.timeout(400_000);
    if (!user.mayHaveNamespaces()) this.skip();
    user.start("scripts/demo");
    const code = await user.ended();
    const { output } = user;
    assert.equal(code, 0, output);
    const told = [
      /Left out: instances are processes, not booted systems: no systemd, no cloud-init \(systemd-nspawn needs root\)/,
      /pong from desktop \(\S+\) via DERP\(derp-\d\)/,
      /pong from desktop \(\S+\) via peer-relay\(203\.0\.113\.\d+:40000:vni:\d+\)/,
      /tailscaled_peer_relay_forwarded_bytes_total\{transport_in="udp4",transport_out="udp4"\} [1-9]/,
      /without relays[^]*pong from desktop \(\S+\) via DERP\(derp-\d\)/,
      /yes {2}policy file as at the start/,
    ].map((pattern) => pattern.exec(output)?.index ?? -1);
    assert.ok(!told.includes(-1), `${JSON.stringify(told)}\n${output}`);
    assert.deepEqual(
      told,
      told.toSorted((a, b) => a - b),
    );
    assert.deepEqual(await user.left(), [".cache", ".cache/peer-relay"]);
  });

  it("goes without packets where namespaces are not for users, and says so in a line", async function () {
    this.timeout(60_000);
    const bin = user.program(
      "unshare",
      "#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted' >&2\nexit 1\n",
    );
    user.start("env", `PATH=${bin}:/usr/local/bin:/usr/bin:/bin`, "scripts/demo");
    await until(
      "the first stack",
      () => user.output.includes("$ pulumi up"),
      50,
      () => user.output,
    );
    user.interrupt();
    assert.equal(await user.ended(), 143, user.output);
    assert.match(
      user.output,
      /Left out: real instances and packets \(this machine lets somebody make no namespaces \(unshare: .*Operation not permitted\)\)\.\n/,
    );
    assert.deepEqual(await user.left(), [".cache", ".cache/peer-relay"]);
  });
});
