import { createInterface } from "node:readline";
import { redact } from "./secrets";
import { type Paint, painter, visible, wantsColours } from "./terminal";

/** Everything between a command and whoever runs it: results to stdout, all else to stderr. */
export interface Io {
  env: NodeJS.ProcessEnv;
  /** Whether there is somebody to answer a question. */
  canAsk: boolean;
  /** For results. */
  paint: Paint;
  /** Text of others, safe for where stdout goes: on a terminal without sequences that a terminal would obey. */
  show(text: string): string;
  out(text: string): void;
  say(text: string): void;
  /** @returns whether the answer was yes; the end of the input is a no */
  ask(question: string): Promise<boolean>;
  readInput(): Promise<string>;
}

export function processIo({ env, stdin, stdout, stderr }: NodeJS.Process): Io {
  // Whoever reads us may have enough (`| head`): no error.
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
  return {
    env,
    canAsk: stdin.isTTY === true && stderr.isTTY === true,
    paint: painter(wantsColours(stdout.isTTY === true, env)),
    show: (text) => (stdout.isTTY ? visible(text) : text),
    out: (text) => void stdout.write(text),
    say: (text) => {
      const clean = redact(text, env);
      stderr.write(`${stderr.isTTY ? visible(clean) : clean}\n`);
    },
    ask: async (question) => /^y(es)?$/i.test((await answerTo(question, stdin, stderr)).trim()),
    readInput: () => readAll(stdin),
  };
}

function answerTo(
  question: string,
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<string> {
  const lines = createInterface({ input, output });
  return new Promise((resolve) => {
    lines.once("close", () => resolve(""));
    lines.question(question, (answer) => {
      resolve(answer);
      lines.close();
    });
  });
}

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}
