import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";

const STOP_TIMEOUT_MS = 10_000;
const COMMAND_TIMEOUT_MS = 120_000;

/** How a command ended, and what it printed. */
export interface CommandOutcome {
  /** `null` when it was killed, by a signal or by our time limit. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Options of {@link NetNs.spawn}. */
export interface SpawnOptions {
  /** On top of our own environment. */
  env?: NodeJS.ProcessEnv;
  /** File to which both of its output streams are appended. */
  log: string;
}

/** A process that runs on in a namespace. */
export class RunningProcess {
  /** Resolves when the process is gone. */
  readonly ended: Promise<void>;
  private failure = "";

  constructor(
    private readonly child: ChildProcess,
    /** Name for messages. */
    readonly name: string,
    private readonly log: string,
  ) {
    this.ended = new Promise((resolve) => {
      child.once("exit", () => resolve());
      child.once("error", (error) => {
        this.failure = error.message;
        resolve();
      });
    });
  }

  /** @throws when it could not be started */
  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${this.name} did not start: ${this.failure}`);
    return this.child.pid;
  }

  get running(): boolean {
    const { pid, exitCode, signalCode } = this.child;
    return pid !== undefined && exitCode === null && signalCode === null;
  }

  /** How it ended, if it did, and the end of its log; for messages. */
  lastWords(lines = 15): string {
    const { exitCode, signalCode } = this.child;
    const state = this.running ? "runs" : `ended with ${signalCode ?? `exit code ${exitCode}`}`;
    const tail = readFileSync(this.log, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
    return `${this.name} ${state} ${this.failure}; ${this.log} ends with:\n${tail}`;
  }

  /** Asks it to end, and waits until it is gone; after ten seconds it is killed. */
  async stop(): Promise<void> {
    const timer = setTimeout(() => this.child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    if (this.running) this.child.kill("SIGTERM");
    await this.ended;
    clearTimeout(timer);
  }

  /** Kills it, without a chance to say goodbye, and waits until it is gone. */
  async kill(): Promise<void> {
    if (this.running) this.child.kill("SIGKILL");
    await this.ended;
  }
}

/** A network namespace of the lab, or `control`, the one that we run in. */
export class NetNs {
  private readonly prefix: string[];
  private readonly processes = new Set<RunningProcess>();

  constructor(readonly name: string) {
    this.prefix = name === "control" ? [] : ["ip", "netns", "exec", name];
  }

  /** Runs a command to its end; never throws because of what the command does. */
  run(argv: string[], input = ""): Promise<CommandOutcome> {
    const [program = "", ...parameters] = [...this.prefix, ...argv];
    return new Promise((resolve) => {
      const child = spawn(program, parameters, { timeout: COMMAND_TIMEOUT_MS });
      const outcome = { stdout: "", stderr: "" };
      child.stdout.setEncoding("utf8").on("data", (chunk: string) => (outcome.stdout += chunk));
      child.stderr.setEncoding("utf8").on("data", (chunk: string) => (outcome.stderr += chunk));
      child.once("error", (error) => resolve({ code: null, stdout: "", stderr: error.message }));
      child.once("close", (code) => resolve({ code, ...outcome }));
      child.stdin.on("error", () => undefined); // it may end before it has read all
      child.stdin.end(input);
    });
  }

  /**
   * Like {@link run}.
   * @returns its standard output, trimmed
   * @throws when it fails
   */
  async must(argv: string[], input?: string): Promise<string> {
    const { code, stdout, stderr } = await this.run(argv, input);
    if (code !== 0) {
      const given = input ? `\n${input}` : "";
      throw new Error(`${this.name}: ${argv.join(" ")}: exit code ${code}\n${stdout}${stderr}${given}`);
    }
    return stdout.trim();
  }

  /** Runs shell text. */
  sh(text: string): Promise<CommandOutcome> {
    return this.run(["sh", "-ec", text]);
  }

  /** Runs `ip` commands, one on a line, without the word `ip`; stops at the first that fails. */
  async ip(...lines: string[]): Promise<void> {
    await this.must(["ip", "-batch", "-"], lines.join("\n"));
  }

  /** Sets kernel parameters below `net`, e.g. `{ "ipv4/ip_forward": 1 }`. */
  async sysctl(values: Record<string, number>): Promise<void> {
    const lines = Object.entries(values).map(([path, value]) => `echo ${value} >/proc/sys/net/${path}`);
    await this.must(["sh", "-ec", lines.join("\n")]);
  }

  /** Starts a process that runs on. It ends with the namespace at the latest, see `Internet.close`. */
  spawn(argv: string[], { env, log }: SpawnOptions): RunningProcess {
    const [program = "", ...parameters] = [...this.prefix, ...argv];
    const output = openSync(log, "a");
    const child = spawn(program, parameters, {
      stdio: ["ignore", output, output],
      env: { ...process.env, ...env },
    });
    closeSync(output);
    const started = new RunningProcess(child, `${argv[0]} in ${this.name}`, log);
    this.processes.add(started);
    void started.ended.then(() => this.processes.delete(started));
    return started;
  }

  /** Stops all that {@link spawn} started here. */
  async stopAll(): Promise<void> {
    await Promise.all([...this.processes].map((process) => process.stop()));
  }
}
