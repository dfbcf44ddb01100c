import { Command, CommanderError } from "commander";
import { PACKAGE_VERSION } from "../components/package-version";
import { CliError, EXIT, reportError } from "./errors";
import type { Io } from "./io";
import { policyCommand } from "./policy/command";
import { redact } from "./secrets";

/** Runs one command line. @returns the exit code */
export async function run(args: string[], io: Io): Promise<number> {
  let exit: number = EXIT.done;
  const program = new Command("peer-relay")
    .description(
      "Tools beside the peer-relay package for Pulumi: what it has in a tailnet, from a laptop or in CI.",
    )
    .version(PACKAGE_VERSION)
    .addCommand(policyCommand(io, (code) => (exit = code)));
  prepare(program, io);
  try {
    await program.parseAsync(args, { from: "user" });
    return exit;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done; // help, version
    return fail(asUsageError(error), wantsJson(args), io);
  }
}

/** Commander hands its errors to us instead of printing them and ending the process. */
function prepare(command: Command, io: Io): void {
  command.exitOverride().configureOutput({ writeOut: io.out, outputError: () => undefined });
  command.commands.forEach((child) => prepare(child, io));
}

function asUsageError(error: unknown): unknown {
  if (!(error instanceof CommanderError)) return error;
  const isBare = error.code === "commander.help";
  return new CliError(
    "usage",
    isBare ? "a command is missing; see --help" : error.message.replace(/^error: /, ""),
  );
}

function fail(error: unknown, json: boolean, io: Io): number {
  const { code, message, exit } = reportError(error);
  if (json)
    io.out(`${JSON.stringify({ error: { code, message: redact(message, io.env) } }, undefined, 2)}\n`);
  else io.say(`peer-relay: ${message}`);
  return exit;
}

/** Also for a command line that cannot be parsed. */
function wantsJson(args: string[]): boolean {
  const end = args.indexOf("--");
  return (end < 0 ? args : args.slice(0, end)).includes("--json");
}
