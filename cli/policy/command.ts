import { readFile } from "node:fs/promises";
import { Command, Option } from "commander";
import {
  addFragment,
  adoptFragment,
  type EditOptions,
  forgetOwner,
  fragmentPresence,
  ownedParts,
  type PolicyFragment,
  removeFragment,
} from "../../components/policy";
import { EXIT, EXIT_CODES_HELP } from "../errors";
import type { Io } from "../io";
import { type ChangeOptions, type EditText, makeChange, planChange } from "./change";
import { withPlainWords } from "./file-store";
import { checkOwners, parseFragments } from "./fragments";
import { checkReport, checkText, showReport, showText } from "./report";
import { openTarget, type Target } from "./target";

/** All options; each command has those that it declares. */
interface Options {
  file?: string;
  headscale?: string;
  json?: boolean;
  yes?: boolean;
  fragment?: string;
  owner: string[];
  force?: boolean;
  keepAllowAll?: boolean;
}

/** `peer-relay policy ...`. @param end takes the exit code of a command that ends without an error */
export function policyCommand(io: Io, end: (exit: number) => void): Command {
  const policy = new Command("policy")
    .description(
      "What peer-relay has in a policy file: look at it, merge it in, take it out, settle edits by hand.",
    )
    .addHelpText("after", `\n${TARGETS_HELP}\n\n${EXIT_CODES_HELP}\n`);
  /** A command whose result is printed as JSON or by itself. */
  const add = (name: string, description: string, examples: string[], run: Run): Command => {
    const command = new Command(name)
      .description(description)
      .addOption(
        new Option("--file <file>", "a policy file on disk instead of the tailnet's").conflicts("headscale"),
      )
      .option("--headscale <url>", "headscale's policy; its key in HEADSCALE_API_KEY")
      .option("--json", "the result, or the error, as one JSON document on stdout")
      .allowExcessArguments(false)
      .addHelpText(
        "after",
        `\nExamples:\n${examples.map((line) => `  $ ${line}`).join("\n")}\n\n${EXIT_CODES_HELP}\n`,
      )
      .action(async () => {
        const options = command.opts<Options>();
        const owner = options.owner ?? [];
        checkOwners(owner);
        end(await run(io, openTarget(options, io.env), { ...options, owner }));
      });
    policy.addCommand(command);
    return command;
  };

  add(
    "show",
    "What each owner has in the file, in which line, and whether it is as it was written.",
    SHOW_EXAMPLES,
    show,
  ).addOption(owners("only this owner's; may be repeated"));
  withFragment(
    add(
      "plan",
      "The diff of what apply would write; the server checks it, nothing is written.",
      PLAN_EXAMPLES,
      plan,
    ),
  );
  withYes(
    withFragment(
      add("apply", "Makes the owners' part of the file exactly the fragments.", APPLY_EXAMPLES, apply),
    ),
  );
  withYes(
    add("remove", "Takes an owner's part out of the file, and nothing else.", REMOVE_EXAMPLES, remove)
      .addOption(owners("whose part to take out; may be repeated").makeOptionMandatory())
      .option(
        "--fragment <file>",
        "grants in here go too where they stand in the file without a marker; - is stdin",
      )
      .option("--force", "take out what was edited by hand too", false),
  );
  withYes(
    add("adopt", ADOPT_DESCRIPTION, ADOPT_EXAMPLES, adopt)
      .addOption(owners("whose it is from now on; may be repeated").makeOptionMandatory())
      .option(
        "--fragment <file>",
        "grants in here that stand in the file without a marker get one; - is stdin",
      ),
  );
  withYes(
    add("forget", FORGET_DESCRIPTION, FORGET_EXAMPLES, forget).addOption(
      owners("whose markers to take off; may be repeated").makeOptionMandatory(),
    ),
  );
  add(
    "check",
    "Whether the file has the fragments in full, by whatever hand; says what lacks.",
    CHECK_EXAMPLES,
    check,
  )
    .requiredOption(...FRAGMENT)
    .addOption(owners("only this owner's fragment; or whose it is, where the fragment does not say"));
  return policy;
}

type Run = (io: Io, target: Target, options: Options) => Promise<number>;

const FRAGMENT = [
  "--fragment <file>",
  "a fragment, a list of them, or a fragment's HuJSON text; - is stdin",
] as const;

function owners(description: string): Option {
  return new Option("--owner <owner>", description).argParser((value: string, before: string[] = []) => [
    ...before,
    value,
  ]);
}

function withFragment(command: Command): Command {
  return command
    .requiredOption(...FRAGMENT)
    .addOption(owners("only this owner's fragment; or whose it is, where the fragment does not say"))
    .option("--force", "go over what was edited by hand", false)
    .option(
      "--keep-allow-all",
      "in a file without any rule, add one that goes on allowing everything",
      false,
    );
}

function withYes(command: Command): Command {
  return command.option("--yes", "write without asking", false);
}

async function show(io: Io, target: Target, options: Options): Promise<number> {
  const { owner, json } = options;
  const { text } = await target.store.read();
  const report = showReport(target.name, ownedParts(text), owner);
  if (json) printJson(io, report);
  else if (report.owners.length === 0) io.say(hasNothing(target, options));
  else io.out(io.show(showText(report, io.paint)));
  return EXIT.done;
}

async function plan(io: Io, target: Target, options: Options): Promise<number> {
  const edit = await applyEdit(io, options);
  await target.checkMayAdd();
  const choices = { json: options.json === true, unchanged: asWanted(target) };
  const report = await planChange(io, target, edit, choices);
  if (options.json) printJson(io, report);
  return report.changed ? EXIT.changes : EXIT.done;
}

async function apply(io: Io, target: Target, options: Options): Promise<number> {
  const edit = await applyEdit(io, options);
  await target.checkMayAdd();
  return change(io, target, edit, asWanted(target), options);
}

async function remove(io: Io, target: Target, options: Options): Promise<number> {
  const force = options.force === true;
  const edit = inTurn(await ownersParts(io, options), (text, fragment, retryOf) =>
    removeFragment(text, fragment, { force, retryOf }),
  );
  return change(io, target, edit, hasNothing(target, options), options);
}

async function adopt(io: Io, target: Target, options: Options): Promise<number> {
  const edit = inTurn(await ownersParts(io, options), (text, fragment) => adoptFragment(text, fragment));
  const unchanged = `${target.name} has nothing to adopt for ${options.owner.join(", ")}`;
  return change(io, target, edit, unchanged, options);
}

async function forget(io: Io, target: Target, options: Options): Promise<number> {
  const edit = inTurn(options.owner.map(bare), (text, { owner }) => forgetOwner(text, owner));
  return change(io, target, edit, hasNothing(target, options), options);
}

function asWanted({ name }: Target): string {
  return `${name} is as it should be`;
}

function hasNothing({ name }: Target, { owner }: Options): string {
  return `${name} has nothing of ${owner.join(", ") || "peer-relay"}`;
}

async function check(io: Io, target: Target, options: Options): Promise<number> {
  const fragments = await readFragments(io, options);
  const { text } = await target.store.read();
  const found = fragments.map((fragment) => ({
    owner: fragment.owner,
    parts: fragmentPresence(text, fragment),
  }));
  const report = checkReport(target.name, found);
  if (options.json) printJson(io, report);
  else io.out(io.show(checkText(report, io.paint)));
  return report.complete ? EXIT.done : EXIT.lacking;
}

async function change(
  io: Io,
  target: Target,
  edit: EditText,
  unchanged: string,
  options: Options,
): Promise<number> {
  const choices: ChangeOptions = { yes: options.yes === true, json: options.json === true, unchanged };
  const report = await makeChange(io, target, edit, choices);
  if (options.json) printJson(io, report);
  return EXIT.done;
}

async function applyEdit(io: Io, options: Options): Promise<EditText> {
  const choices: EditOptions = { force: options.force === true, keepAllowAll: options.keepAllowAll === true };
  return inTurn(await readFragments(io, options), (text, fragment, retryOf) =>
    addFragment(text, fragment, { ...choices, retryOf }),
  );
}

/** One edit of the file for all fragments: it is written once, or not at all. */
function inTurn(
  fragments: PolicyFragment[],
  edit: (text: string, fragment: PolicyFragment, retryOf?: string) => string,
): EditText {
  return (text, retryOf) => fragments.reduce((edited, fragment) => edit(edited, fragment, retryOf), text);
}

/** What is known of the owners' parts: their names, and with `--fragment` what they have without a marker too. */
async function ownersParts(io: Io, options: Options): Promise<PolicyFragment[]> {
  return options.fragment === undefined ? options.owner.map(bare) : readFragments(io, options);
}

function bare(owner: string): PolicyFragment {
  return { owner, grants: [], tagOwners: {} };
}

async function readFragments(io: Io, { fragment = "", owner }: Options): Promise<PolicyFragment[]> {
  const read = () => (fragment === "-" ? io.readInput() : readFile(fragment, "utf8"));
  return parseFragments(await withPlainWords("read", `--fragment ${fragment}`, read), owner);
}

function printJson(io: Io, value: unknown): void {
  io.out(`${JSON.stringify(value, undefined, 2)}\n`);
}

const TARGETS_HELP = `Which policy:
  the tailnet's      with TAILSCALE_API_KEY, or TAILSCALE_OAUTH_CLIENT_ID and TAILSCALE_OAUTH_CLIENT_SECRET (scope
                     policy_file), or TAILSCALE_OAUTH_CLIENT_ID and TAILSCALE_IDENTITY_TOKEN; TAILSCALE_TAILNET
  --file FILE        on disk, say in Git: replaced in one step, mode kept, links followed
  --headscale URL    with HEADSCALE_API_KEY. headscale has no conditional write: the policy is read again right before
                     and after it, but what somebody else writes in that very moment is lost. Write from one place only
Keys come from the environment only. NODE_EXTRA_CA_CERTS names a certificate authority of your own.`;

const SHOW_EXAMPLES = ["peer-relay policy show", "peer-relay policy show --file policy.hujson --json"];
const PLAN_EXAMPLES = [
  "pulumi stack output policyFragments --json | peer-relay policy plan --fragment -",
  "peer-relay policy plan --fragment relay.hujson --file policy.hujson",
];
const APPLY_EXAMPLES = [
  "pulumi stack output policyFragments --json | peer-relay policy apply --fragment - --file policy.hujson --yes",
  "HEADSCALE_API_KEY=... peer-relay policy apply --fragment relay.json --headscale https://headscale.example.com",
];
const REMOVE_EXAMPLES = ["peer-relay policy remove --owner shop/prod/relay --owner shop/prod/relay/tags"];
const ADOPT_DESCRIPTION =
  "What was edited by hand behind an owner's markers is the owner's from now on: its markers stand for what the file says. " +
  "Then change the stack to say the same, or its next change of the entry writes what the stack says.";
const ADOPT_EXAMPLES = [
  "peer-relay policy adopt --owner shop/prod/relay",
  "peer-relay policy adopt --owner shop/prod/relay --fragment relay.json   # pasted by hand, to be merged from now on",
];
const FORGET_DESCRIPTION =
  "Takes an owner's markers off; the entries stay and are your own. One that still says exactly what a stack says is " +
  "taken for the stack's again at its next up or destroy.";
const FORGET_EXAMPLES = ["peer-relay policy forget --owner shop/prod/relay"];
const CHECK_EXAMPLES = [
  "pulumi stack output policyFragments --json | peer-relay policy check --fragment -",
  "peer-relay policy check --fragment relay.hujson --file policy.hujson --json",
];
