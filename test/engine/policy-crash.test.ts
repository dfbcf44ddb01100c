import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ModuleKind, ScriptTarget, transpileModule } from "typescript";
import { addFragment, type PolicyFragment } from "../../components";
import { PACKAGE_VERSION } from "../../components/package-version";
import { makeStack, REPO, setConfig, type Stack } from "../../lab";
import { type Engine, makeEngine, type RunningCommand } from "../../lab/engine";
import { type FaultKind, startTailscale, type TailscaleLab } from "../../lab/tailscale";
import { nameOf } from "./support";

const POLICY = `{
	// everybody's, by hand
	"tagOwners": {"tag:ci": ["autogroup:admin"]},
	"grants": [
		{"src": ["*"], "dst": ["*"],   "ip": ["*"]}, // after 0 kills
	],
}
`;

/** The two policy resources of a relay, and nothing else that takes time. */
const PROGRAM = `
const pulumi = require("@pulumi/pulumi");
const { PolicyFragmentResource } = require("peer-relay/dist/components/policy/resource");
const config = new pulumi.Config();
const make = (name, fragment, dependsOn) =>
  new PolicyFragmentResource(name, { ...fragment, keepAllowAll: false }, { dependsOn });
const owned = make("relay-tag-owners", config.requireObject("tags"), []);
make("relay-grant", config.requireObject("grant"), [owned]);
`;

const OWNER = "crash/dev/relay";
/** What each of the two resources shall have in the file. */
interface Wish {
  tags: PolicyFragment;
  grant: PolicyFragment;
}

const wish = (clients: string[], tagOwners: string[]): Wish => ({
  tags: { owner: `${OWNER}/tags`, grants: [], tagOwners: { "tag:relay": tagOwners } },
  grant: {
    owner: OWNER,
    grants: [{ src: clients, dst: ["tag:relay"], app: { "tailscale.com/cap/relay": [] } }],
    tagOwners: {},
  },
});
const FIRST = wish(["tag:ci"], ["autogroup:admin"]);
const SECOND = wish(["tag:ci", "autogroup:member"], ["autogroup:admin", "tag:ci"]);

const read = { method: "GET", path: /\/acl$/ };
const check = { method: "POST", path: /\/acl\/validate$/ };
const write = { method: "POST", path: /\/acl$/ };

/** A moment in the life of one change, as the server and the state file see it. */
interface Moment {
  name: string;
  request: { method: string; path: RegExp };
  when: "before" | "after" | "answered" | "saved";
}

const WRITTEN: Moment = { name: "when it is written, and nobody knows", request: write, when: "after" };
const MOMENTS: Moment[] = [
  { name: "before the file is read", request: read, when: "before" },
  { name: "while the file is on its way", request: read, when: "after" },
  { name: "while our part is merged in", request: read, when: "answered" },
  { name: "before the merged file is checked", request: check, when: "before" },
  { name: "when it is checked, and the answer is on its way", request: check, when: "after" },
  { name: "between check and write", request: check, when: "answered" },
  { name: "before the file is written", request: write, when: "before" },
  WRITTEN,
  { name: "when the write was answered, and the state perhaps not saved", request: write, when: "answered" },
  { name: "when the state was saved, and the command has not ended", request: write, when: "saved" },
];

describe("SIGKILL of an up or a destroy, with all that it started,", function () {
  this.timeout(180_000);
  let bench: Bench;

  beforeEach(async () => {
    bench = await startBench();
  });
  afterEach(() => bench?.close());

  for (const moment of MOMENTS) {
    it(`${moment.name}: create, update and delete converge, whatever others write meanwhile`, async () => {
      bench.want(FIRST);
      await bench.killed("up", "creating", "relay-tag-owners", moment);
      await bench.killed("up", "creating", "relay-grant", moment);
      await bench.run("up");
      assert.equal(bench.policy, merged(bench.foreign, FIRST));
      bench.want(SECOND);
      await bench.killed("up", "updating", "relay-tag-owners", moment);
      await bench.killed("up", "updating", "relay-grant", moment);
      await bench.run("up");
      assert.equal(bench.policy, merged(merged(bench.foreign, FIRST), SECOND));
      await bench.killed("destroy", "deleting", "relay-grant", moment);
      await bench.killed("destroy", "deleting", "relay-tag-owners", moment);
      await bench.destroyed();
    });
  }

  it("leaves a lock, and a warning about what was under way, which end as README says", async () => {
    bench.want(FIRST);
    await bench.killed("up", "creating", "relay-grant", WRITTEN, { cancel: false });
    assert.match(await bench.fails("up"), /currently locked by 1 lock.*`pulumi cancel`/);
    await bench.run("cancel");
    assert.match(await bench.run("up"), /relay-grant, interrupted while creating/);
    assert.deepEqual(bench.pending, ["creating relay-grant"]);
    await bench.run("refresh", "--clear-pending-creates");
    assert.deepEqual(bench.pending, []);
    await bench.run("destroy");
    await bench.destroyed();
  });

  it("between two wishes: up stops at the first one's part, and forcePolicy goes on", async () => {
    bench.want(FIRST);
    await bench.killed("up", "creating", "relay-grant", WRITTEN);
    bench.want(SECOND);
    assert.match(
      await bench.fails("up"),
      /has a part of "crash\/dev\/relay" already.*forcePolicy for one up/s,
    );
    bench.want(SECOND, { force: true });
    await bench.run("up");
    assert.equal(bench.policy, merged(merged(bench.foreign, FIRST), SECOND));
    await bench.run("destroy");
    await bench.destroyed();
  });

  it("in a create, and destroy at once: what was written stays until the next up and destroy", async () => {
    bench.want(FIRST);
    await bench.killed("up", "creating", "relay-grant", WRITTEN);
    await bench.run("destroy");
    assert.match(bench.policy, /peer-relay: crash\/dev\/relay grant#1/);
    await bench.run("up");
    assert.equal(bench.policy.split("peer-relay:").length - 1, 2);
    await bench.run("destroy");
    await bench.destroyed();
  });
});

describe("SIGKILL of the dynamic provider alone", function () {
  this.timeout(180_000);
  it("fails the command, which leaves no lock, and the next one converges", async () => {
    const bench = await startBench();
    const only = "dynamic-provider";
    try {
      bench.want(FIRST);
      await bench.killed("up", "creating", "relay-grant", WRITTEN, { only });
      await bench.run("up");
      assert.equal(bench.policy, merged(bench.foreign, FIRST));
      bench.want(SECOND);
      await bench.killed("up", "updating", "relay-grant", WRITTEN, { only });
      await bench.run("up");
      assert.equal(bench.policy, merged(merged(bench.foreign, FIRST), SECOND));
      await bench.killed("destroy", "deleting", "relay-grant", WRITTEN, { only });
      await bench.destroyed();
    } finally {
      await bench.close();
    }
  });
});

/** What the file says when both resources are in it, on top of what it said. */
function merged(text: string, { tags, grant }: Wish): string {
  return addFragment(addFragment(text, tags), grant);
}

/** A stack with the two resources on the real engine, the API that they write to, and a human who edits the file too. */
class Bench {
  private kills = 0;

  constructor(
    private readonly dir: string,
    private readonly tailscale: TailscaleLab,
    private readonly engine: Engine,
    private readonly stack: Stack,
  ) {}

  get policy(): string {
    return this.tailscale.policy.text;
  }

  /** What is everybody else's in the policy file. */
  get foreign(): string {
    return this.byHand(POLICY);
  }

  want(wish: Wish, { force = false } = {}): void {
    const tags = JSON.stringify({ ...wish.tags, force });
    setConfig(this.stack, { "crash:tags": tags, "crash:grant": JSON.stringify({ ...wish.grant, force }) });
  }

  async run(command: string, ...more: string[]): Promise<string> {
    const { code, output } = await this.start(command, ...more).done;
    assert.equal(code, 0, output);
    return output;
  }

  async fails(command: string): Promise<string> {
    const { code, output } = await this.start(command).done;
    assert.notEqual(code, 0, output);
    return output;
  }

  /** Destroys what is left: nothing of ours is in the file or the state, and nobody's change was overwritten. */
  async destroyed(): Promise<void> {
    await this.run("destroy");
    assert.deepEqual(
      [this.policy, this.tailscale.policy.blindWrites, this.deployment().resources ?? []],
      [this.foreign, 0, []],
    );
  }

  /**
   * Starts a command and kills all of it, or only what has `only` in its command line, when the resource is at that
   * moment of its operation; somebody edits the file then, and `pulumi cancel` takes the lock away.
   */
  async killed(
    command: string,
    operation: string,
    name: string,
    moment: Moment,
    { only = "", cancel = true }: { only?: string; cancel?: boolean } = {},
  ): Promise<void> {
    const pending = `${operation} ${name}`;
    let victims: number[] = [];
    let killed = false;
    const kill = () => {
      killed = running.child.exitCode === null;
      victims.forEach(killProcess);
    };
    const killWhenSaved = async () => {
      while (running.child.exitCode === null && this.pending.includes(pending)) await sleep(1);
      kill();
    };
    const { faults } = this.tailscale;
    faults.byChance = (method, path): FaultKind | undefined => {
      const isMeant = method === moment.request.method && moment.request.path.test(path);
      if (killed || !isMeant || !this.pending.includes(pending)) return undefined;
      victims = treeOf(running.child.pid ?? assert.fail(), only);
      if (moment.when === "saved") return { kind: "act", when: "answered", act: killWhenSaved };
      return { kind: "act", when: moment.when, act: kill };
    };
    const running = this.start(command);
    const { output } = await running.done;
    faults.clear();
    assert.ok(killed, `${command} ended before it could be killed: ${output}`);
    this.kills++;
    await this.tailscale.humanEdit((text) => this.byHand(text));
    if (cancel && only === "") await this.run("cancel");
  }

  /** What the state says is under way, such as `creating relay-grant`. */
  get pending(): string[] {
    const operations = this.deployment().pending_operations ?? [];
    return operations.map(({ type, resource }) => `${type} ${nameOf(resource.urn)}`);
  }

  private byHand(text: string): string {
    return text.replace(/after \d+ kills/, `after ${this.kills} kills`);
  }

  private start(command: string, ...more: string[]): RunningCommand {
    const how = command === "cancel" ? ["--yes"] : ["--yes", "--skip-preview"];
    return this.engine.start(this.stack, [command, ...how, ...more]);
  }

  private deployment(): Deployment {
    const file = join(this.dir, "state/.pulumi/stacks/crash/dev.json");
    const { checkpoint } = JSON.parse(readFileSync(file, "utf8")) as { checkpoint: { latest?: Deployment } };
    return checkpoint.latest ?? {};
  }

  async close(): Promise<void> {
    await this.engine.stop();
    await this.tailscale.close();
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 3 });
  }
}

interface Deployment {
  resources?: { urn: string }[];
  pending_operations?: { type: string; resource: { urn: string } }[];
}

async function startBench(): Promise<Bench> {
  const dir = mkdtempSync(join(tmpdir(), "peer-relay-crash-"));
  const tailscale = await startTailscale({ policy: POLICY });
  const engine = makeEngine(dir, { ...tailscale.env });
  const project = makeProject(join(dir, "project"));
  return new Bench(dir, tailscale, engine, await makeStack(engine, "dev", {}, project));
}

/** The package and the program in JavaScript, as whoever installs it has them: that spares each command the compiler. */
function makeProject(project: string): string {
  mkdirSync(join(project, "node_modules/@pulumi"), { recursive: true });
  // Only what is needed: the engine looks for a plugin of each SDK that it finds.
  for (const name of ["@pulumi/pulumi", "jsonc-parser", "diff"]) {
    symlinkSync(join(REPO, "node_modules", name), join(project, "node_modules", name));
  }
  const runtime = "{ name: nodejs, options: { typescript: false } }";
  writeFileSync(join(project, "Pulumi.yaml"), `name: crash\nruntime: ${runtime}\n`);
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "crash", main: "index.js" }));
  writeFileSync(join(project, "index.js"), PROGRAM);
  const compilerOptions = { target: ScriptTarget.ES2022, module: ModuleKind.CommonJS, esModuleInterop: true };
  const pack = join(project, "node_modules/peer-relay");
  mkdirSync(join(pack, "dist"), { recursive: true });
  writeFileSync(join(pack, "package.json"), JSON.stringify({ name: "peer-relay", version: PACKAGE_VERSION }));
  for (const folder of ["components", "components/policy", "components/tailnet", "components/aws"]) {
    mkdirSync(join(pack, "dist", folder));
    for (const file of readdirSync(join(REPO, folder)).filter((name) => name.endsWith(".ts"))) {
      const source = readFileSync(join(REPO, folder, file), "utf8");
      const { outputText } = transpileModule(source, { compilerOptions });
      writeFileSync(join(pack, "dist", folder, file.replace(/ts$/, "js")), outputText);
    }
  }
  return project;
}

/**
 * A process and all that it started, directly or not, where the command line has `only` in it. By their parents: the
 * engine gives its plugins process groups of their own.
 */
function treeOf(root: number, only: string): number[] {
  const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid=,args="], { encoding: "utf8" }).split("\n");
  const all = lines.map((line) => {
    const [, pid, parent, args = ""] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return { pid: Number(pid), parent: Number(parent), args };
  });
  const tree = [root];
  for (const parent of tree) tree.push(...all.filter((one) => one.parent === parent).map(({ pid }) => pid));
  return tree.filter((pid) => all.some((one) => one.pid === pid && one.args.includes(only)));
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // it ended by itself
  }
}
