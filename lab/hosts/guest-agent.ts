import { setTimeout as sleep } from "node:timers/promises";
import type { Outcome } from "./command";
import { JsonSocket } from "./json-socket";

const commandTimeoutMs = 180_000;

/** Runs commands in a virtual machine through qemu's guest agent: no network, no login. */
export class GuestAgent {
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly socketPath: string) {}

  /** Runs shell text as root. One at a time: the agent's line takes one client. */
  run(text: string): Promise<Outcome> {
    const outcome = this.last.then(() =>
      this.runNow(text).catch((error: unknown) => ({
        code: null,
        text: `the host is not up: ${error instanceof Error ? error.message : String(error)}`,
      })),
    );
    this.last = outcome;
    return outcome;
  }

  private async runNow(text: string): Promise<Outcome> {
    const agent = await JsonSocket.open(this.socketPath);
    try {
      // What is left over from a client that gave up comes before this answer, and is skipped with it.
      await agent.ask("guest-sync", { id: process.pid }, 5_000);
      const started = await agent.ask("guest-exec", {
        path: "/bin/sh",
        arg: ["-c", "exec /bin/sh 2>&1"],
        env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"],
        "input-data": Buffer.from(text).toString("base64"),
        "capture-output": true,
      });
      const { pid } = started as { pid: number };
      const end = Date.now() + commandTimeoutMs;
      while (Date.now() < end) {
        const status = (await agent.ask("guest-exec-status", { pid })) as ExecStatus;
        if (status.exited) {
          const output = Buffer.from(status["out-data"] ?? "", "base64").toString("utf8");
          return { code: status.exitcode ?? null, text: output };
        }
        await sleep(100);
      }
      return { code: null, text: `not within ${commandTimeoutMs / 1000} s` };
    } finally {
      agent.close();
    }
  }
}

interface ExecStatus {
  exited: boolean;
  exitcode?: number;
  "out-data"?: string;
}
