import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { execute, until, type Outcome } from "./command";
import type { Machine, MachineSettings } from "./machine";

/** The exit code with which a machine's outermost process says that its system wants to be started again. */
const rebootCode = 133;
const shutdownSeconds = 10;

/** How a kind of machine is entered and told to end. */
export interface Ways {
  /** Flags of `nsenter` for the namespaces that are the machine's own. */
  enter: string[];
  /** On which signal its first process shuts the system down. */
  shutdown: number | NodeJS.Signals;
}

/** The power switch of a machine that runs in namespaces on our own kernel, as the child of one process of ours. */
export abstract class NamespacedMachine implements Machine {
  readonly bootSeconds = 60;
  /** The outermost process, while the machine is on. */
  protected process: ChildProcess | undefined;
  private bootCount = 0;
  private plugPulled = false;

  constructor(
    protected readonly settings: MachineSettings,
    private readonly ways: Ways,
  ) {}

  /** The command that boots it, and its environment. */
  protected abstract command(): { argv: string[]; env?: NodeJS.ProcessEnv };
  /** The first process of its namespaces, seen from here; undefined when it has not come so far. */
  protected abstract first(): number | undefined;
  abstract remove(): Promise<void>;

  /** The same once the system takes commands. */
  protected init(): number | undefined {
    return this.first();
  }

  /** Called at each boot, when the outermost process has been started. */
  protected started?(child: ChildProcess): void;

  isOn(): boolean {
    return this.process !== undefined;
  }

  boots(): number {
    return this.bootCount;
  }

  async start(): Promise<void> {
    if (this.process) return;
    this.plugPulled = false;
    this.boot();
  }

  private boot(): void {
    this.bootCount++;
    const log = openSync(this.settings.consoleFile, "a");
    const { argv, env } = this.command();
    const [program = "", ...parameters] = argv;
    const child = spawn(program, parameters, { stdio: ["ignore", log, log], env });
    closeSync(log);
    this.process = child;
    child.once("exit", (code) => {
      this.process = undefined;
      if (code === rebootCode && !this.plugPulled) this.boot();
    });
    this.started?.(child);
  }

  async run(text: string): Promise<Outcome> {
    const init = this.init();
    if (init === undefined) return { code: null, text: "the host is not up" };
    const argv = ["nsenter", "-t", String(init), ...this.ways.enter, "--", "/bin/sh"];
    const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    return execute(argv, { input: text, env: { PATH, LC_ALL: "C" } });
  }

  async stop(): Promise<void> {
    this.plugPulled = true; // whatever it wants: not again
    const init = this.init();
    if (init !== undefined) {
      process.kill(init, this.ways.shutdown);
      await until("shutdown", () => !this.process, shutdownSeconds).catch(() => undefined);
    }
    await this.kill();
  }

  async kill(): Promise<void> {
    this.plugPulled = true;
    const child = this.process;
    if (!child) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    // Its first process takes all others along, and is gone when they are.
    const first = this.first();
    if (first !== undefined) process.kill(first, "SIGKILL");
    else child.kill("SIGKILL");
    await gone;
  }
}
