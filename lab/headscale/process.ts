import { execFile, spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const STARTUP_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;
const POLL_MS = 50;

/** headscale's server process, which can be stopped and started again on the same state. */
export class HeadscaleProcess {
  private child: ChildProcess | undefined;

  constructor(
    private readonly binary: string,
    private readonly configFile: string,
    readonly logFile: string,
  ) {}

  /** Starts it, unless it runs. @throws when it ends or does not get `ready` in time, with the end of its log */
  async start(ready: () => Promise<boolean>): Promise<void> {
    if (this.running) return;
    const log = openSync(this.logFile, "a");
    // The kernel ends it with us, however we end.
    const command = ["--pdeathsig", "KILL", this.binary, "--config", this.configFile, "serve"];
    const child = spawn("setpriv", command, { stdio: ["ignore", log, log] });
    closeSync(log);
    this.child = child;
    let problem: string | undefined;
    child.once("error", (error) => (problem = error.message));
    const deadline = Date.now() + STARTUP_TIMEOUT_MS;
    while (!(await ready())) {
      if (!this.running) problem ??= `it ended with ${child.signalCode ?? `exit code ${child.exitCode}`}`;
      if (Date.now() > deadline) problem ??= `no answer after ${STARTUP_TIMEOUT_MS / 1000} s`;
      if (problem !== undefined) {
        await this.stop();
        throw new Error(
          `headscale did not start (${problem}); ${this.logFile} ends with:\n${this.logTail()}`,
        );
      }
      await sleep(POLL_MS);
    }
  }

  /** Ends it and waits until it is gone; its state stays. */
  async stop(): Promise<void> {
    const child = this.child;
    if (!child || !this.running) return;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGTERM");
    // It waits for its clients' long polls; those who stop it want it gone.
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await gone;
    clearTimeout(timer);
  }

  /** Runs one of headscale's commands against the server. */
  async command(args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(this.binary, ["--config", this.configFile, ...args]);
    return stdout.trim();
  }

  private get running(): boolean {
    const child = this.child;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  private logTail(): string {
    return readFileSync(this.logFile, "utf8").split("\n").slice(-15).join("\n");
  }
}
