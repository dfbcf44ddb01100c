import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { REPO } from "../../../lab";

/** How a command ended. */
export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

export interface RunOptions {
  env?: Record<string, string>;
  /** On stdin, which ends behind it. @default nothing */
  input?: string;
  cwd?: string;
}

/** The command line as one file for plain node, which starts ten times as fast as with a TypeScript loader. */
export class Bin {
  private constructor(
    readonly dir: string,
    private readonly file: string,
  ) {}

  static async build(): Promise<Bin> {
    const dir = mkdtempSync(join(tmpdir(), "peer-relay-cli-"));
    const outfile = join(dir, "peer-relay.js");
    await build({
      entryPoints: [join(REPO, "cli/main.ts")],
      outfile,
      bundle: true,
      platform: "node",
      target: "node22",
      // jsonc-parser's other build hides its parts from a bundler.
      mainFields: ["module", "main"],
      logLevel: "error",
    });
    return new Bin(dir, outfile);
  }

  /** Runs `peer-relay ARGS` without a terminal, with nothing of our own environment but PATH. */
  run(args: string[], o: RunOptions = {}): Promise<Ended> {
    const child = spawn(process.execPath, [this.file, ...args], { cwd: o.cwd, env: this.env(o) });
    const ended = { code: null as number | null, out: "", err: "" };
    child.stdout.on("data", (data: Buffer) => (ended.out += data.toString()));
    child.stderr.on("data", (data: Buffer) => (ended.err += data.toString()));
    child.stdin.on("error", () => undefined); // it may have ended without reading
    child.stdin.end(o.input ?? "");
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => resolve({ ...ended, code }));
    });
  }

  /**
   * The same on a terminal (util-linux's `script`), which shows both outputs.
   * @param answer what to type when it asks, Enter included
   */
  onTerminal(args: string[], answer: () => Promise<string>, o: RunOptions = {}): Promise<Ended> {
    const command = [process.execPath, this.file, ...args].map((word) => `'${word}'`).join(" ");
    const child = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
      cwd: o.cwd,
      env: { ...this.env(o), TERM: "xterm", SHELL: "/bin/sh" },
    });
    const ended = { code: null as number | null, out: "", err: "" };
    let asked = 0;
    child.stdout.on("data", (data: Buffer) => {
      ended.out += data.toString();
      const questions = ended.out.split("[y/N]").length - 1;
      if (questions > asked) void answer().then((text) => child.stdin.write(text));
      asked = questions;
    });
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => resolve({ ...ended, code }));
    });
  }

  close(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  private env(o: RunOptions): Record<string, string> {
    return { PATH: process.env["PATH"] ?? "", ...o.env };
  }
}

/** A test with {@link Bin.onTerminal}: other systems' `script` takes other options. */
export const itOnTerminal = process.platform === "linux" ? it : it.skip;

/** What `--json` printed; it must be the whole of stdout. */
export function json(ended: Ended): unknown {
  return JSON.parse(ended.out);
}
