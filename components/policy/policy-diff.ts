import { createTwoFilesPatch } from "diff";

/** What an edit makes of the policy file, as a unified diff; empty when it changes nothing. */
export function policyDiff(before: string, after: string): string {
  if (before === after) return "";
  const patch = createTwoFilesPatch("policy file", "policy file, edited", before, after, "", "", {
    context: 2,
  });
  // The library draws a line above, which `diff -u` does not have.
  return patch.replace(/^=+\n/, "");
}
