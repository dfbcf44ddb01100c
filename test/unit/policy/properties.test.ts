import assert from "node:assert/strict";
import fc from "fast-check";
import { addFragment, fragmentStatus, type PolicyFragment, removeFragment } from "../../../components/policy";
import { cutSpans, readHujson } from "./support/hujson";

/** What may stand between two tokens; a line comment brings its own end. */
const trivia = fc
  .array(
    fc.constantFrom(" ", "\t", "\n", "\r\n", "\n\t\t", "/* c */", "/* a\n b */", "// d\n", "// [{\r\n", ""),
    {
      maxLength: 3,
    },
  )
  .map((parts) => parts.join(""));

/** A list or an object from its members, with any trivia and with or without a trailing comma. */
function container(open: string, members: fc.Arbitrary<string>, close: string): fc.Arbitrary<string> {
  const items = fc.array(fc.tuple(trivia, members, trivia), { maxLength: 3 });
  return fc.tuple(items, trivia, fc.boolean()).map(([list, last, trailing]) => {
    const comma = trailing && list.length > 0 ? "," : "";
    return `${open}${list.map((parts) => parts.join("")).join(",")}${comma}${last}${close}`;
  });
}

const text = fc.constantFrom(
  '"*"',
  '"tag:a"',
  '"tag:relay"',
  '"tag:relay:22"',
  '"a@example.com"',
  '"//"',
  '"/*\\""',
);
const list = container("[", text, "]");
const grant = fc
  .tuple(list, list, list)
  .map((parts) => `{"src": ${parts[0]}, "dst": ${parts[1]}, "ip":${parts[2]}}`);
const grants = container("[", grant, "]");
const owners = fc
  .uniqueArray(fc.constantFrom("tag:a", "tag:relay", "tag:b"), { maxLength: 3 })
  .chain((tags) =>
    fc.tuple(fc.constant(tags), fc.array(fc.tuple(trivia, list), { minLength: 3, maxLength: 3 }), trivia),
  )
  .map(
    ([tags, lists, last]) =>
      `{${tags.map((tag, i) => `${lists[i]?.[0]}"${tag}": ${lists[i]?.[1]},`).join("")}${last}}`,
  );

const policy = fc
  .record({
    before: trivia,
    after: trivia,
    first: trivia,
    acls: fc.option(grants, { nil: undefined }),
    grants: fc.option(grants, { nil: undefined }),
    tagOwners: fc.option(owners, { nil: undefined }),
    gaps: fc.array(trivia, { minLength: 3, maxLength: 3 }),
    mark: fc.constantFrom("", "\uFEFF"),
    order: fc.shuffledSubarray(["acls", "grants", "tagOwners"] as const, { minLength: 3 }),
  })
  .map((p) => {
    const members = p.order.flatMap((name, i) =>
      p[name] === undefined ? [] : [`${p.gaps[i]}"${name}": ${p[name]}`],
    );
    return `${p.mark}${p.before}{${p.first}${members.join(",")}${p.after}}\n`;
  });

const selectors = fc.subarray(["tag:srv", "tag:relay", "group:eu", "100.64.0.1", "tag:a"], { minLength: 1 });
const fragmentGrant = fc.oneof(
  fc.record({
    src: selectors,
    dst: selectors,
    app: fc.constant<Record<string, unknown[]>>({ "tailscale.com/cap/relay": [] }),
  }),
  fc.record({ src: selectors, dst: selectors, ip: fc.constantFrom<string[]>(["*"], ["tcp:1-2", "udp:53"]) }),
);

function fragmentOf(owner: string): fc.Arbitrary<PolicyFragment> {
  return fc.record({
    owner: fc.constant(owner),
    grants: fc.array(fragmentGrant, { maxLength: 3 }),
    tagOwners: fc.dictionary(fc.constantFrom("tag:relay", "tag:srv", "tag:a", "tag:c"), selectors, {
      maxKeys: 3,
    }),
  });
}

/** Nobody's grants, so that a foreign grant that happens to say the same is not taken for one that lost its marker. */
function leave(policyText: string, fragment: PolicyFragment): string {
  return removeFragment(policyText, { ...fragment, grants: [] });
}

/** Whether the file refers, outside its own entry, to a tag that the fragment gives owners to. */
function namesTagOf(fragment: PolicyFragment, file: string): boolean {
  const { acls, grants: found, tagOwners = {} } = readHujson(file) as Record<string, object | undefined>;
  const texts = JSON.stringify([acls, found, Object.values(tagOwners)]);
  return Object.keys(fragment.tagOwners).some((tag) => !(tag in tagOwners) && texts.includes(`"${tag}`));
}

describe("any policy file and any fragments", function () {
  this.timeout(60_000);
  const keep = { keepAllowAll: true };
  const runs = { numRuns: 500 };

  it("come apart again as they were, byte for byte, and mean what both say", () => {
    fc.assert(
      fc.property(policy, fragmentOf("shop/a"), (file, fragment) => {
        const added = addFragment(file, fragment, keep);
        assert.equal(cutSpans(added), file);
        assert.equal(addFragment(added, fragment, keep), added);
        assert.equal(fragmentStatus(added, fragment), "present");
        // A tag that the file names without owners keeps the entry that it got: no server takes such a file.
        const left = leave(added, fragment);
        assert.equal(namesTagOf(fragment, file) ? cutSpans(left) : left, file);
        const { grants: found = [] } = readHujson(added) as { grants?: unknown[] };
        assert.equal(JSON.stringify(found.slice(0, fragment.grants.length)), JSON.stringify(fragment.grants));
      }),
      runs,
    );
  });

  it("come apart again where the file says the same as the fragment already", () => {
    fc.assert(
      fc.property(policy, fragmentOf("shop/a"), (file, fragment) => {
        const twins = fragment.grants.map((twin) => `${JSON.stringify(twin)},`).join("");
        const theirs = file.replace('"grants": [', `"grants": [${twins}`);
        const left = removeFragment(addFragment(theirs, fragment, keep), fragment);
        assert.equal(namesTagOf(fragment, theirs) ? cutSpans(left) : left, theirs);
      }),
      runs,
    );
  });

  it("come apart again whatever three owners did in whatever order", () => {
    const names = ["shop/a", "shop/b", "shop/c"] as const;
    const step = fc.constantFrom(...names).chain((owner) => fc.tuple(fc.boolean(), fragmentOf(owner)));
    fc.assert(
      fc.property(
        policy,
        fc.array(step, { minLength: 1, maxLength: 8 }),
        fc.shuffledSubarray([...names], { minLength: 3 }),
        (file, steps, order) => {
          let current = file;
          for (const [isAdd, fragment] of steps) {
            current = isAdd ? addFragment(current, fragment, keep) : leave(current, fragment);
            assert.equal(cutSpans(current), file);
            if (isAdd) {
              assert.equal(fragmentStatus(current, fragment), "present");
              assert.equal(addFragment(current, fragment, keep), current);
            }
          }
          const last = order.reduce(
            (text, owner) => leave(text, { owner, grants: [], tagOwners: {} }),
            current,
          );
          // An entry for a tag that the file itself names, or that only lost its owner, stays marked as nobody's.
          assert.equal(cutSpans(last), file);
          assert.equal(/peer-relay: shop/.test(last), false);
          if (!/tag:(relay|srv|a|c)\b/.test(file)) {
            assert.equal(last, file);
          }
        },
      ),
      runs,
    );
  });
});
