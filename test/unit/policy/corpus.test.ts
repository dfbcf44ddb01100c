import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import {
  addFragment,
  fragmentStatus,
  type PolicyFragment,
  PolicyError,
  removeFragment,
} from "../../../components/policy";
import { invalidFiles, type PolicyFile, validFiles } from "./support/corpus";
import { cutSpans, readHujson } from "./support/hujson";
import { type Shape, shapes } from "./support/shapes";

type Policy = Record<string, unknown>;

/**
 * Proves, for every policy file of the corpus and every shape of fragment, what the merge promises. It does not prove
 * that Tailscale accepts the result; that is what the validate call before each write is for.
 */
describe("the policy corpus", function () {
  this.timeout(120_000);
  const counts = { files: 0, refused: 0, shapes: 0, checks: 0 };
  const [a, b, c] = ["shop/prod-eu/relay", "shop/prod-us/relay", "acme/shop/dev/relay"] as const;

  const same = (actual: unknown, expected: unknown, what: string): void => {
    counts.checks++;
    // A whole file of 1 MB is no help in a failure; the first difference is.
    if (typeof actual === "string" && typeof expected === "string" && actual !== expected) {
      let at = 0;
      while (actual[at] === expected[at]) at++;
      assert.equal(actual.slice(at - 80, at + 300), expected.slice(at - 80, at + 300), what);
    }
    assert.deepEqual(actual, expected, what);
  };

  after(() => {
    console.log(
      `    policy corpus: ${counts.files} files merged and ${counts.refused} refused, ` +
        `${counts.shapes} files x shapes, ${counts.checks} checks`,
    );
  });

  for (const file of validFiles()) {
    const original = readHujson(file.text) as Policy;
    const isLarge = file.text.length > 100_000;
    const fileShapes = shapes(Object.keys((member(original, "tagOwners") as object | undefined) ?? {})[0]);

    it(`${file.name} takes every fragment and gives it back`, () => {
      counts.files++;
      for (const shape of fileShapes) {
        counts.shapes++;
        checkOne(file, original, shape, same, a);
      }
    });

    it(`${file.name} takes the fragments of several owners in any order`, () => {
      const pairs = fileShapes.map((shape, i) => [shape, fileShapes[(i + 1) % fileShapes.length]] as const);
      for (const [first, second] of isLarge ? pairs.slice(2, 3) : pairs) {
        if (second) {
          if (!isLarge) {
            checkTwo(file, first.make(a), first.make(b), same);
          }
          checkTwo(file, first.make(a), second.make(b), same);
        }
      }
      const three = [fileShapes[2], fileShapes[3], fileShapes[6]].flatMap((shape, i) =>
        shape ? [shape.make([a, b, c][i] ?? a)] : [],
      );
      for (const [i, added] of permutations(three).entries()) {
        for (const [j, removed] of permutations(three).entries()) {
          if (isLarge ? i === 3 && j === 4 : (i + j) % 2 === 0) {
            checkSequence(file, added, removed, same);
          }
        }
      }
    });

    it(`${file.name} takes tags and grants of two relays apart from each other, in any order`, () => {
      const parts = [a, b].flatMap((owner) => {
        const whole = fileShapes[2]?.make(owner) ?? assert.fail();
        return [
          { ...whole, owner: `${owner}/tags`, grants: [] },
          { ...whole, tagOwners: {} },
        ];
      });
      for (const removed of permutations(parts).slice(0, isLarge ? 1 : 24)) {
        checkSequence(file, parts, removed, same);
      }
    });
  }

  for (const file of invalidFiles()) {
    it(`${file.name} is refused`, () => {
      counts.refused++;
      for (const shape of shapes(undefined)) {
        const fragment = shape.make(a);
        for (const edit of [addFragment, removeFragment, fragmentStatus]) {
          counts.checks++;
          assert.throws(
            () => edit(file.text, fragment),
            (error) =>
              error instanceof PolicyError &&
              error.code === "invalid-policy" &&
              / at line \d+, column \d+; nothing was changed$/.test(error.message),
          );
        }
      }
    });
  }
});

type Same = (actual: unknown, expected: unknown, what: string) => void;

function checkOne(file: PolicyFile, original: Policy, shape: Shape, same: Same, owner: string): void {
  const what = `${file.name}, ${shape.name}: `;
  const fragment = shape.make(owner);
  const isOpen = member(original, "acls") === undefined && member(original, "grants") === undefined;
  if (isOpen && fragment.grants.length > 0) {
    assert.throws(() => addFragment(file.text, fragment), { name: "PolicyError", code: "allow-all" }, what);
  }
  const added = addFragment(file.text, fragment, { keepAllowAll: true });
  same(cutSpans(added), file.text, `${what}other bytes`);
  same(readHujson(added), expectedPolicy(original, fragment), `${what}meaning`);
  same(addFragment(added, fragment, { keepAllowAll: true }), added, `${what}second add`);
  same(fragmentStatus(added, fragment), "present", `${what}status`);
  same(removeFragment(added, fragment), file.text, `${what}removed`);
  same(removeFragment(file.text, fragment), file.text, `${what}removed where it never was`);
  if (fragment.grants.length === 0) {
    return;
  }
  const killed = addFragment(added, { ...fragment, grants: [] });
  same(cutSpans(killed), file.text, `${what}other bytes after the kill switch`);
  same(killed.includes(`${owner} grant#`), false, `${what}kill switch`);
  same(
    removeFragment(killed, { ...fragment, grants: [] }),
    file.text,
    `${what}removed after the kill switch`,
  );
}

function checkTwo(file: PolicyFile, a: PolicyFragment, b: PolicyFragment, same: Same): void {
  const what = `${file.name}, two owners: `;
  const add = (text: string, f: PolicyFragment): string => addFragment(text, f, { keepAllowAll: true });
  const both = add(add(file.text, a), b);
  same(cutSpans(both), file.text, `${what}other bytes`);
  for (const [leaves, stays] of [
    [a, b],
    [b, a],
  ] as const) {
    const left = removeFragment(both, leaves);
    same(cutSpans(left), file.text, `${what}other bytes when one leaves`);
    same(fragmentStatus(left, stays), "present", `${what}the one who stays`);
    same(left.includes(` ${leaves.owner} `), false, `${what}the one who leaves`);
    if (isDeepStrictEqual(a.tagOwners, b.tagOwners)) {
      // As if the other one had never been there. Where the two share one tag but not another, the order of entries
      // tells who came first, and a tag that only the other's grants name stays until they go.
      same(left, add(file.text, stays), `${what}the bytes of the one who stays`);
    }
  }
  same(removeFragment(removeFragment(both, a), b), file.text, `${what}first in, first out`);
  same(removeFragment(removeFragment(both, b), a), file.text, `${what}first in, last out`);
}

function checkSequence(
  file: PolicyFile,
  added: PolicyFragment[],
  removed: PolicyFragment[],
  same: Same,
): void {
  const full = added.reduce((text, f) => addFragment(text, f, { keepAllowAll: true }), file.text);
  same(cutSpans(full), file.text, `${file.name}: other bytes`);
  const order = removed.map(({ owner }) => owner).join(", ");
  const last = removed.reduce((text, f) => removeFragment(text, f), full);
  same(last, file.text, `${file.name}: removed in the order ${order}`);
}

/** Members of the root by any case, as the servers read them. */
function member(policy: Policy, name: string): unknown {
  return policy[memberName(policy, name)];
}

function memberName(policy: Policy, name: string): string {
  return Object.keys(policy).find((key) => key.toLowerCase() === name.toLowerCase()) ?? name;
}

function expectedPolicy(original: Policy, { grants, tagOwners }: PolicyFragment): Policy {
  const expected = { ...original };
  if (grants.length > 0) {
    const isOpen = member(original, "acls") === undefined && member(original, "grants") === undefined;
    const others = (member(original, "grants") as unknown[] | undefined) ?? [];
    const kept = isOpen ? [{ src: ["*"], dst: ["*"], ip: ["*"] }] : [];
    expected[memberName(original, "grants")] = [...grants, ...kept, ...others];
  }
  if (Object.keys(tagOwners).length > 0) {
    const others = member(original, "tagOwners") as object | undefined;
    expected[memberName(original, "tagOwners")] = { ...tagOwners, ...others };
  }
  return expected;
}

function permutations<T>(list: T[]): T[][] {
  return list.length < 2
    ? [list]
    : list.flatMap((item, i) => permutations(list.filter((_, j) => j !== i)).map((rest) => [item, ...rest]));
}
