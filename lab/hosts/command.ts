import { spawn } from "node:child_process";

/** What a command printed, both streams together, and how it ended. */
export interface Outcome {
  code: number | null;
  text: string;
}

export interface CommandOptions {
  /** Text for its standard input. */
  input?: string;
  /** @default the caller's */
  env?: NodeJS.ProcessEnv;
  /** In milliseconds, then it is killed. @default 180000 */
  timeoutMs?: number;
}

/** Runs a command to its end; never throws because of what the command does. */
export function execute(argv: string[], options: CommandOptions = {}): Promise<Outcome> {
  const [program = "", ...parameters] = argv;
  return new Promise((resolve) => {
    const child = spawn(program, parameters, { env: options.env, timeout: options.timeoutMs ?? 180_000 });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    }
    child.once("error", (error) => resolve({ code: null, text: error.message }));
    child.once("close", (code) => resolve({ code, text }));
    child.stdin.on("error", () => undefined); // it may end before it has read all
    child.stdin.end(options.input ?? "");
  });
}

/**
 * Like {@link execute}.
 * @returns what it printed, trimmed
 * @throws when it fails
 */
export async function must(argv: string[], options: CommandOptions = {}): Promise<string> {
  const { code, text } = await execute(argv, options);
  if (code !== 0) throw new Error(`${argv.join(" ")}: exit code ${code}\n${text}`);
  return text.trim();
}

/**
 * Waits for a condition.
 * @throws after `seconds`, with what `seen` says
 */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  seconds: number,
  seen: () => string | Promise<string> = () => "",
): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}\n${await seen()}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
