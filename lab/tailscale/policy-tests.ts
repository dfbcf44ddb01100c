import { reachability } from "./access";
import { ApiError, type ErrorDetail } from "./api-error";
import type { AccessTest, Policy } from "./policy-shape";
import { referenceError, splitPorts } from "./selectors";

/**
 * Runs a policy's `tests`: their references must be defined, `accept` destinations reachable, `deny` ones not, over
 * `acls` and `ip` grants together.
 *
 * A test fails only when the answer is certain. What depends on things the policy does not hold (a user's role, a
 * device's address, a posture) counts for the policy; see `access.ts`.
 * @throws ApiError 400 `test(s) failed` with one entry per source
 */
export function runTests(tests: readonly AccessTest[], policy: Policy): void {
  const failed: ErrorDetail[] = [];
  for (const test of tests) {
    const errors = testErrors(test, policy);
    if (errors.length > 0) failed.push({ user: test.src, errors });
  }
  if (failed.length > 0) throw new ApiError(400, "test(s) failed", failed);
}

function testErrors(test: AccessTest, policy: Policy): string[] {
  const source = referenceError(test.src, policy, "src");
  if (source) return [`src=${source}`];
  const check = (address: string, want: "Accept" | "Drop"): string[] => {
    const to = splitPorts(address);
    if (!to) return [`address "${address}": port range is missing or invalid`];
    const target = referenceError(to.host, policy, "dst");
    if (target) return [`dst=${target}`];
    const got = reachability({ src: test.src, dst: to.host, ports: to.ports, proto: test.proto }, policy);
    const wrong = want === "Accept" ? got === "no" : got === "yes";
    return wrong
      ? [`address "${address}": want: ${want}, got: ${want === "Accept" ? "Drop" : "Accept"}`]
      : [];
  };
  return [...test.accept.flatMap((a) => check(a, "Accept")), ...test.deny.flatMap((a) => check(a, "Drop"))];
}
