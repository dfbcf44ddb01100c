import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { REPO } from "../../../lab";
import { findChromium, NO_CHROMIUM, startBrowser } from "../../unit/demo/browser";
import {
  boxesOnPath,
  crossedTexts,
  hiddenBoxes,
  overlappingTexts,
  spilledTexts,
} from "../../unit/demo/checks";
import { lookAt } from "../../unit/demo/look";

/** What a run of the demo leaves where it ran; the artefacts are there on purpose. */
interface Leftovers {
  processes: string[];
  files: string[];
  mounts: string[];
  namespaces: string[];
  links: string[];
  groups: string[];
}

const NOTHING: Leftovers = { processes: [], files: [], mounts: [], namespaces: [], links: [], groups: [] };

/** A run of `scripts/demo` with a temporary directory and a mark of its own, by which what is left can be told. */
class DemoRun {
  readonly dir = mkdtempSync(join(tmpdir(), "demo-test-"));
  private readonly mark = `PEER_RELAY_TEST_MARK=${randomUUID()}`;
  private readonly before = networks();
  private readonly child: ChildProcess;
  private readonly runs = new Set<string>();
  output = "";

  constructor() {
    const [name = "", value] = this.mark.split("=");
    const env = { ...process.env, [name]: value, TMPDIR: this.dir, NO_COLOR: "1" };
    this.child = spawn(join(REPO, "scripts/demo"), { env, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
        this.noteRuns();
      });
    }
  }

  /** Names of the run's directories, which are also those of its control groups. */
  private noteRuns(): void {
    for (const name of readdirSync(this.dir)) if (name.startsWith("peer-relay-run.")) this.runs.add(name);
  }

  async says(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.output)) {
      assert.equal(this.child.exitCode, null, this.output);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  interrupt(): void {
    this.child.kill("SIGINT");
  }

  async end(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, "exit");
    return this.child.exitCode;
  }

  leftovers(): Leftovers {
    const now = networks();
    return {
      processes: marked(this.mark),
      // But for the artefacts, and for tsx's cache of compiled sources.
      files: readdirSync(this.dir).filter((name) => !/^(peer-relay-demo-|tsx-\d+$)/.test(name)),
      mounts: readFileSync("/proc/self/mounts", "utf8")
        .split("\n")
        .filter((line) => line.includes(this.dir)),
      namespaces: now.namespaces.filter((name) => !this.before.namespaces.includes(name)),
      links: now.links.filter((name) => !this.before.links.includes(name)),
      groups: [...this.runs].flatMap((run) => lines("find", "/sys/fs/cgroup", "-name", run)),
    };
  }

  async remove(): Promise<void> {
    this.interrupt();
    await this.end();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Processes that have inherited the mark from the demo. */
function marked(mark: string): string[] {
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "utf8").includes(mark);
      } catch {
        return false; // it ended in between
      }
    })
    .map(
      (pid) => `${pid} ${spawnSync("ps", ["-o", "args=", "-p", pid], { encoding: "utf8" }).stdout.trim()}`,
    );
}

function lines(program: string, ...args: string[]): string[] {
  return spawnSync(program, args, { encoding: "utf8" }).stdout.split("\n").filter(Boolean);
}

function networks(): { namespaces: string[]; links: string[] } {
  return {
    namespaces: lines("ip", "netns", "list"),
    links: lines("ip", "-o", "link", "show").map((line) => line.split(": ")[1] ?? line),
  };
}

/** The picture that the demo has drawn has its lines where the pongs went, and nothing wrong with it. */
async function lookAtPicture(file: string, output: string): Promise<void> {
  const executable = findChromium();
  if (!executable) {
    assert.ok(existsSync(file), output);
    console.log(`    the demo's picture is not looked at: ${NO_CHROMIUM}`);
    return;
  }
  const { context, close } = await startBrowser(executable);
  try {
    const seen = await lookAt(context, file);
    // The picture has the last pong of each kind before the devices change over.
    const [start = ""] = output.split("pulumi up", 1);
    const region = [...start.matchAll(/via DERP\((\S+)\)/g)].at(-1)?.[1];
    const endpoint = [...output.matchAll(/via peer-relay\((\S+):vni/g)].at(-1)?.[1] ?? "";
    const address = endpoint.replace(/:.*/, "").replaceAll(".", "-");
    const relay = new RegExp(`\\S+-${address}\\b`).exec(output)?.[0];
    assert.deepEqual(
      [boxesOnPath(seen, 0)[3], boxesOnPath(seen, 1)[3]],
      [`derp ${region}`, `relay ${relay}`],
    );
    const wrong = [
      hiddenBoxes(seen),
      overlappingTexts(seen),
      spilledTexts(seen),
      crossedTexts(seen),
      seen.problems,
    ];
    assert.deepEqual(wrong, [[], [], [], [], []]);
  } finally {
    await close();
  }
}

/** The README's demo command, as a reader runs it. */
describe("scripts/demo", function () {
  this.timeout(420_000);
  let run: DemoRun | undefined;
  const start = () => (run = new DemoRun());
  afterEach(async () => {
    await run?.remove();
    run = undefined;
  });

  it("takes two devices from DERP to the relay and back, and leaves the policy as it was, and nothing else", async () => {
    const demo = start();
    const code = await demo.end();
    assert.equal(code, 0, demo.output);
    const shown = [
      /pong from desktop \([\d.]+\) via DERP\(derp-\d\) in /,
      /pong from desktop \([\d.]+\) via peer-relay\(203\.0\.113\.\d+:40000:vni:\d+\) in /,
      /desktop .*active; peer-relay 203\.0\.113\.\d+:40000:vni:\d+/,
      /tailscaled_peer_relay_forwarded_bytes_total\{transport_in="udp4",transport_out="udp4"\} [1-9]\d{5,}/,
      /yes {2}policy file as at the start: sha256 (\w+) -> \1/,
      /yes {2}nothing left in AWS/,
      /yes {2}no relay's device left in the tailnet/,
    ];
    assert.deepEqual(shown.filter((pattern) => !pattern.test(demo.output)).map(String), [], demo.output);
    const artefacts = /To look at: (\S+)/.exec(demo.output)?.[1] ?? "";
    assert.ok(existsSync(join(artefacts, "policy-start.hujson")), demo.output);
    await lookAtPicture(join(artefacts, "topology.html"), demo.output);
    assert.deepEqual(demo.leftovers(), NOTHING);
  });

  it("ended by SIGINT while its relays run leaves nothing", async () => {
    const demo = start();
    await demo.says(/through the relay/);
    demo.interrupt();
    await demo.end();
    assert.doesNotMatch(demo.output, /At the end/);
    assert.deepEqual(demo.leftovers(), NOTHING);
  });
});
