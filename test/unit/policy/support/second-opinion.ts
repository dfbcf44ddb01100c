import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";

/** github.com/tailscale/hujson, built by `scripts/setup hujson`. */
const PROGRAM = "peer-relay-hujson";

/** What Tailscale's own parser says of a text: its value, or why it is no HuJSON. */
export type Opinion = { value: unknown } | { refusal: string };

/** One process for any number of texts, which answers in the order that it is asked. */
export class SecondOpinion {
  private readonly waiting: ((line: string) => void)[] = [];

  private constructor(private readonly child: ChildProcess) {
    createInterface({ input: child.stdout ?? process.stdin }).on("line", (line) =>
      this.waiting.shift()?.(line),
    );
  }

  /**
   * @param mode `format` for {@link formatted}
   * @returns undefined where it could not be built
   * @throws with CI=true, where it must not be left out
   */
  static start(mode?: "format"): SecondOpinion | undefined {
    if (spawnSync(PROGRAM, { input: "" }).status === 0) {
      return new SecondOpinion(spawn(PROGRAM, mode ? [mode] : [], { stdio: ["pipe", "pipe", "inherit"] }));
    }
    if (process.env.CI === "true") {
      throw new Error(`${PROGRAM} is not on PATH: scripts/setup hujson could not build it`);
    }
    console.log(`    ${PROGRAM} is not on PATH: no second opinion (scripts/setup hujson builds it)`);
    return undefined;
  }

  async of(text: string): Promise<Opinion> {
    const line = await this.ask(text);
    return line.startsWith("! ")
      ? { refusal: line.slice(2) }
      : { value: JSON.parse(Buffer.from(line, "base64").toString()) as unknown };
  }

  /** The text as Tailscale formats it. */
  async formatted(text: string): Promise<string> {
    return Buffer.from(await this.ask(text), "base64").toString();
  }

  private ask(text: string): Promise<string> {
    const answer = new Promise<string>((resolve) => this.waiting.push(resolve));
    this.child.stdin?.write(`${encode(text).toString("base64")}\n`);
    return answer;
  }

  close(): void {
    this.child.stdin?.end();
  }
}

/** UTF-8, but half a surrogate pair as three bytes that are none, not as the character that stands for an error. */
function encode(text: string): Buffer {
  const bytes = (half: string): Buffer => {
    const code = half.charCodeAt(0);
    return Buffer.from([0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)]);
  };
  const parts = text.split(/(\p{Surrogate})/u);
  return Buffer.concat(
    parts.map((part) => (/^\p{Surrogate}$/u.test(part) ? bytes(part) : Buffer.from(part))),
  );
}
