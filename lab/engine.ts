import { ChildProcess, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse, stringify } from "yaml";

/** The checkout that the lab belongs to. */
export const REPO = resolve(__dirname, "..");

/** How long an interrupted command may take to end. */
const INTERRUPT_MS = 20_000;

/** How one command of the engine ended. */
export interface CommandResult {
  code: number | null;
  /** Standard output and standard error as they came, interleaved. */
  output: string;
}

/** A running command. */
export interface RunningCommand {
  child: ChildProcess;
  done: Promise<CommandResult>;
}

/** The real Pulumi CLI with a home, a state backend and a passphrase that live in one throw-away directory. */
export interface Engine {
  /** The directory with everything: plugins, state, stack config files. */
  dir: string;
  env: NodeJS.ProcessEnv;
  /** Starts a command, e.g. `["up", "--yes"]`, for a stack; `onOutput` sees it as it comes. */
  start(stack: Stack, args: string[], onOutput?: (text: string) => void): RunningCommand;
  /** Runs a command to its end. */
  run(stack: Stack, args: string[], onOutput?: (text: string) => void): Promise<CommandResult>;
  /** Interrupts what runs, so that the engine ends its plugins, and waits for it; after a while it is killed. */
  stop(): Promise<void>;
}

/** A stack of some project, with a config file of its own outside the project. */
export interface Stack {
  name: string;
  /** Directory with `Pulumi.yaml`. */
  project: string;
  configFile: string;
}

/** Makes an engine in `dir`; `env` is what the programs and providers see beside the engine's own variables. */
export function makeEngine(dir: string, env: NodeJS.ProcessEnv): Engine {
  for (const part of ["home", "state", "stacks", "tmp"]) mkdirSync(join(dir, part), { recursive: true });
  const engineEnv: NodeJS.ProcessEnv = {
    ...withoutCredentials(process.env),
    ...env,
    // The language host leaves its pipes behind.
    TMPDIR: join(dir, "tmp"),
    PULUMI_HOME: join(dir, "home"),
    PULUMI_BACKEND_URL: `file://${join(dir, "state")}`,
    PULUMI_CONFIG_PASSPHRASE: "a passphrase for a throw-away stack",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_NODEJS_TRANSPILE_ONLY: "true",
    NO_COLOR: "1",
  };
  const running = new Set<RunningCommand>();
  const start = (stack: Stack, args: string[], onOutput?: (text: string) => void) => {
    const where = ["--stack", stack.name, "-C", stack.project, ...configFlag(stack, args)];
    const how = ["--non-interactive", "--color=never"];
    const command = spawnCommand("pulumi", [...args, ...where, ...how], engineEnv, onOutput);
    running.add(command);
    const forget = () => running.delete(command);
    command.done.then(forget, forget);
    return command;
  };
  const stop = async () => void (await Promise.all([...running].map(interrupt)));
  return { dir, env: engineEnv, start, run: (...args) => start(...args).done, stop };
}

async function interrupt({ child, done }: RunningCommand): Promise<void> {
  const timer = setTimeout(() => child.kill("SIGKILL"), INTERRUPT_MS);
  child.kill("SIGINT");
  await done.catch(() => undefined);
  clearTimeout(timer);
}

/** Commands that act on the state alone take no config file. */
function configFlag(stack: Stack, args: string[]): string[] {
  const stateOnly = ["stack", "cancel", "state"].includes(args[0] ?? "") && args[1] !== "init";
  return stateOnly ? [] : ["--config-file", stack.configFile];
}

/**
 * Makes a stack whose config is a stack file of the project (when it has one of that name) and `config` on top.
 * @param config full keys, e.g. `"peer-relay:port": 40001`
 */
export async function makeStack(
  engine: Engine,
  name: string,
  config: Record<string, unknown>,
  project = REPO,
): Promise<Stack> {
  const source = join(project, "infra/stacks", `Pulumi.${name}.yaml`);
  const { name: projectName } = parse(readFileSync(join(project, "Pulumi.yaml"), "utf8")) as { name: string };
  // `stack init` writes the stack's salt into its config file; a project of the same name, here, spares the checkout.
  const scratch = join(engine.dir, "stacks", projectName);
  mkdirSync(scratch, { recursive: true });
  writeFileSync(join(scratch, "Pulumi.yaml"), stringify({ name: projectName, runtime: "nodejs" }));
  const stack = { name, project, configFile: join(scratch, `Pulumi.${name}.yaml`) };
  if (existsSync(source)) cpSync(source, stack.configFile);
  else writeFileSync(stack.configFile, "config: {}\n");
  const args = ["stack", "init", name, "--non-interactive", "--no-select", "-C", scratch];
  const init = await spawnCommand("pulumi", args, engine.env).done;
  if (init.code !== 0) throw new Error(`pulumi stack init ${name}: ${init.output}`);
  setConfig(stack, config);
  return stack;
}

/** Changes keys of a stack's config; `undefined` takes one away. */
export function setConfig(stack: Stack, config: Record<string, unknown>): void {
  const file = parse(readFileSync(stack.configFile, "utf8")) as { config?: Record<string, unknown> };
  const merged = { ...file.config, ...config };
  for (const [key, value] of Object.entries(merged)) if (value === undefined) delete merged[key];
  writeFileSync(stack.configFile, stringify({ ...file, config: merged }));
}

/** The stack's outputs, secrets not shown. */
export async function outputsOf(engine: Engine, stack: Stack): Promise<Record<string, unknown>> {
  const { code, output } = await engine.run(stack, ["stack", "output", "--json"]);
  if (code !== 0) throw new Error(`pulumi stack output: ${output}`);
  return JSON.parse(output) as Record<string, unknown>;
}

/** Credentials of whoever runs the tests must not reach a lab, and a lab must not reach their accounts. */
function withoutCredentials(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([key]) => !/^(AWS_|TAILSCALE_|PULUMI_)/.test(key)));
}

function spawnCommand(
  command: string,
  args: string[],
  env: NodeJS.ProcessEnv,
  onOutput?: (text: string) => void,
): RunningCommand {
  const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const collect = (chunk: Buffer) => {
    output += chunk.toString();
    onOutput?.(chunk.toString());
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const done = new Promise<CommandResult>((resolveDone, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolveDone({ code, output }));
  });
  return { child, done };
}
