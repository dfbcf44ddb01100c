/**
 * What kind of thing stops a policy edit. A caller may branch on it; the message is for the user.
 *
 * - `invalid-policy`: the file is not HuJSON, or says something twice that we would have to choose from.
 * - `invalid-fragment`: the fragment itself is wrong.
 * - `allow-all`: the edit would lock everybody out, let everybody in, or leave ours above rules that let in fewer.
 * - `hand-edited`: somebody changed what we wrote, or took its marker away; `force` goes over it.
 * - `externally-managed`: the tailnet says that its policy file is kept elsewhere.
 * - `no-etag`: the server gave no ETag, so a write could not be made safe.
 * - `conflict`: others kept writing the file in between.
 */
export type PolicyErrorCode =
  | "invalid-policy"
  | "invalid-fragment"
  | "allow-all"
  | "hand-edited"
  | "owner-taken"
  | "externally-managed"
  | "no-etag"
  | "conflict";

/** An error that the user can fix; nothing has been written when it is thrown. */
export class PolicyError extends Error {
  readonly code: PolicyErrorCode;

  constructor(code: PolicyErrorCode, message: string) {
    super(message);
    // Set by hand: Pulumi's serialiser, which carries this class into the provider process, loses what super() sets.
    this.message = message;
    this.name = "PolicyError";
    this.code = code;
  }
}

/** What is wrong with a policy file, by its line and column. */
export function invalidPolicy(text: string, offset: number, what: string): PolicyError {
  return new PolicyError(
    "invalid-policy",
    `the policy file is ${what}, at ${placeOf(text, offset)}; nothing was changed`,
  );
}

/** Where an offset is, for whoever has the text in an editor. */
export function placeOf(text: string, offset: number): string {
  const before = text.slice(0, offset).split("\n");
  return `line ${before.length}, column ${(before.at(-1) ?? "").length + 1}`;
}
