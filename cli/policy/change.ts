import { editPolicyFile, PolicyError } from "../../components/policy";
import { unifiedDiff } from "../../components/policy/policy-diff";
import { CliError } from "../errors";
import type { Io } from "../io";
import { paintDiff } from "./diff";
import type { Target } from "./target";

/** Text in, text out; `retryOf` is what it was made from before, when nobody knows whether that was written. */
export type EditText = (text: string, retryOf?: string) => string;

export interface ChangeOptions {
  yes: boolean;
  json: boolean;
  /** What to say when there is nothing to write. */
  unchanged: string;
}

/** What `plan --json` and every command that writes print; of a plan, `changed` is what would be. */
export interface ChangeReport {
  target: string;
  changed: boolean;
  /** Unified; empty when nothing changes. */
  diff: string;
}

interface Change {
  before: string;
  after: string;
}

/** How often what is to be confirmed is shown again because others changed the file while it was looked at. */
const ROUNDS = 3;

/** What an edit would do; the server has a look at it, nothing is written. */
export async function planChange(
  io: Io,
  target: Target,
  edit: EditText,
  { json, unchanged }: Omit<ChangeOptions, "yes">,
): Promise<ChangeReport> {
  const change = await readChange(target, edit);
  if (change.before !== change.after) await target.store.validate(change.after);
  const report = reportOf(target, change);
  if (!json) showReport(io, report, unchanged);
  return report;
}

/** Shows what an edit does, asks, and writes it: what was shown, or, with `yes`, the same edit of what others wrote since. */
export async function makeChange(
  io: Io,
  target: Target,
  edit: EditText,
  options: ChangeOptions,
): Promise<ChangeReport> {
  for (let round = 1; round <= ROUNDS; round++) {
    const planned = await readChange(target, edit);
    const shown = reportOf(target, planned);
    if (!options.json) showReport(io, shown, options.unchanged);
    if (!shown.changed) return shown;
    await confirm(io, target, options);
    const written = await writeChange(target, edit, planned, options.yes);
    if (written) {
      if (!options.json) io.say(`written to ${target.name}`);
      if (written.before === planned.before) return shown;
      const report = reportOf(target, written);
      if (!options.json) {
        io.say("others had changed it meanwhile; what was written:");
        showReport(io, report, options.unchanged);
      }
      return report;
    }
    io.say(`${target.name} was changed by others meanwhile; nothing was written yet. Now it would be:`);
  }
  throw new PolicyError("conflict", `${target.name} was changed by others each time; nothing was written`);
}

async function readChange(target: Target, edit: EditText): Promise<Change> {
  const { text } = await target.store.read();
  return { before: text, after: edit(text) };
}

/** @returns undefined when others changed the file and somebody has to look again */
async function writeChange(
  target: Target,
  edit: EditText,
  planned: Change,
  yes: boolean,
): Promise<Change | undefined> {
  let last = planned;
  let isStopped = false;
  const editAgain: EditText = (text, retryOf) => {
    if (text === planned.before) return planned.after;
    if (target.whenChanged === "stop") {
      throw new PolicyError(
        "conflict",
        `${target.name} was changed by others meanwhile; nothing was written`,
      );
    }
    if (!yes) {
      isStopped = true;
      return text;
    }
    last = { before: text, after: edit(text, retryOf) };
    return last.after;
  };
  await editPolicyFile(target.store, editAgain);
  return isStopped ? undefined : last;
}

async function confirm(io: Io, target: Target, { yes, json }: ChangeOptions): Promise<void> {
  if (yes) return;
  if (json || !io.canAsk) {
    const why = json ? "with --json nothing is asked" : "there is no terminal to ask on";
    throw new CliError("not-confirmed", `${why}: look at the diff, then add --yes; nothing was written`);
  }
  if (!(await io.ask(`Write this to ${target.name}? [y/N] `))) {
    throw new CliError("not-confirmed", "nothing was written");
  }
}

function showReport(io: Io, { changed, diff }: ChangeReport, unchanged: string): void {
  if (!changed) io.say(`no change: ${unchanged}`);
  else io.out(paintDiff(io.show(diff), io.paint));
}

function reportOf(target: Target, { before, after }: Change): ChangeReport {
  const diff = unifiedDiff(target.fileName, before, after);
  return { target: target.name, changed: before !== after, diff };
}
