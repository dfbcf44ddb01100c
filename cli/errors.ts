import type { PolicyErrorCode } from "../components/policy";

/** How a command ends; documented in its help and in the README. */
export const EXIT = {
  done: 0,
  error: 1,
  /** `plan`: there is something to write. */
  changes: 2,
  /** `check`: something lacks. */
  lacking: 3,
  /** What stands in the policy file stops the edit until somebody decides. */
  stopped: 4,
  refused: 5,
  conflict: 6,
  unconfirmed: 7,
} as const;

export const EXIT_CODES_HELP = `Exit codes:
  0  done, or nothing to do
  1  an error: usage, credentials, network, file
  2  plan: there are changes
  3  check: something lacks
  4  stopped by what is in the policy file (edited by hand, or open to everybody), or by the tailnet's settings (the file is
     managed externally): somebody has to decide
  5  the server refused the policy
  6  the policy was changed by others in the meantime
  7  not confirmed: answered with no, or neither --yes nor a terminal to ask on
With 4, 5 and 7 nothing was written; with 6 neither, but for headscale, which says so.`;

export type CliErrorCode =
  "usage" | "credentials" | "file" | "api" | "refused" | "conflict" | "not-confirmed" | "internal";

/** An error that the user can fix. */
export class CliError extends Error {
  constructor(
    readonly code: CliErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** What any error comes to for the user: `--json` prints code and message. */
export interface ErrorReport {
  code: CliErrorCode | PolicyErrorCode;
  message: string;
  exit: number;
}

export function reportError(error: unknown): ErrorReport {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  return { code, message, exit: EXIT_OF[code] ?? EXIT.error };
}

/** By name where the class is one that goes through Pulumi's serialiser elsewhere: it sets the name itself. */
function codeOf(error: unknown): ErrorReport["code"] {
  const { name, code } = error as { name?: string; code?: string };
  if (error instanceof CliError) return error.code;
  if (name === "PolicyError") return code as PolicyErrorCode;
  return "internal";
}

const EXIT_OF: Partial<Record<ErrorReport["code"], number>> = {
  "hand-edited": EXIT.stopped,
  "allow-all": EXIT.stopped,
  "externally-managed": EXIT.stopped,
  refused: EXIT.refused,
  conflict: EXIT.conflict,
  "not-confirmed": EXIT.unconfirmed,
};
