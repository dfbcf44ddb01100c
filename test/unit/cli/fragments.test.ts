import assert from "node:assert/strict";
import { parseFragments } from "../../../cli/policy/fragments";
import { type PolicyFragment, renderFragment } from "../../../components/policy";

const fragment: PolicyFragment = {
  owner: "shop/prod/relay",
  grants: [
    { src: ["tag:srv"], dst: ["tag:relay"], app: { "tailscale.com/cap/relay": [] } },
    { src: ["*"], dst: ["*"], ip: ["*"] },
  ],
  tagOwners: { "tag:relay": ["autogroup:admin"] },
};
const other = { ...fragment, owner: "shop/dev/relay" };
const plain = (fragments: PolicyFragment[]): unknown => JSON.parse(JSON.stringify(fragments));
const read = (text: string, ...owners: string[]): unknown => plain(parseFragments(text, owners));

describe("what --fragment takes", () => {
  it("is one fragment, a list of them, or a fragment's HuJSON text", () => {
    assert.deepEqual(read(JSON.stringify(fragment)), [fragment]);
    assert.deepEqual(read(`\uFEFF// from the stack\n${JSON.stringify([fragment, other])}`), [
      fragment,
      other,
    ]);
    assert.deepEqual(read("[]"), []);
    assert.deepEqual(read(renderFragment(fragment)), [fragment]);
    assert.deepEqual(read(renderFragment({ ...fragment, grants: [] })), [{ ...fragment, grants: [] }]);
  });

  it("is as it stands in the text, in the markers' order, also when somebody edited it", () => {
    const [first = "", second = ""] = renderFragment(fragment).match(/\t\t\/\/ .*grant#.*\n.*\n/g) ?? [];
    const turned = renderFragment(fragment)
      .replace(first + second, second + first)
      .replace('["tag:srv"]', '["tag:web"]');
    const [grant, access] = fragment.grants;
    assert.deepEqual(read(turned), [{ ...fragment, grants: [{ ...grant, src: ["tag:web"] }, access] }]);
  });

  it("belongs to --owner where it does not say whose it is, and else --owner chooses", () => {
    const { owner, ...bare } = fragment;
    assert.deepEqual(read(JSON.stringify(bare), owner), [fragment]);
    assert.deepEqual(read(JSON.stringify([fragment, other]), other.owner), [other]);
    assert.throws(() => read(JSON.stringify(bare)), {
      code: "invalid-fragment",
      message: /line 1: no marker comment says whose this is, nor --owner\n/,
    });
  });

  const wrong: [string, string][] = [
    ["7", "--fragment must be an object with owner, grants and tagOwners, got 7"],
    ["[null]", "--fragment [0] must be an object with owner, grants and tagOwners, got null"],
    [
      '{"owner": "a", "grants": {}, "tagOwners": []}',
      "--fragment grants must be a list, got {}\n  tagOwners must be an object, got []",
    ],
    [
      '{"owner": "a", "grants": [], "tagOwners": {}, "acls": []}',
      "--fragment acls is not known, allowed are owner, grants and tagOwners",
    ],
    ['[{"owner": "a", "grants": [1], "tagOwners": {}}]', "--fragment [0].grants[0] must be an object, got 1"],
    [
      '{"grants": [// peer-relay: a grant#1 -\n{"app": null}]}',
      "--fragment [0].grants[0].app must be an object, got null",
    ],
    ['{"ssh": [], "grants": []}', "invalid policy fragment:\n  line 1: ssh does not belong into a fragment"],
    [
      "{}",
      "--fragment owner must be given\n  grants must be a list, got undefined\n  tagOwners must be an object, got undefined",
    ],
    [
      '{"owner": "a b", "grants": [], "tagOwners": {}}',
      'invalid policy fragment:\n  owner must be 1 to 200 visible characters without spaces and not "*", got "a b"',
    ],
  ];
  for (const [text, message] of wrong) {
    it(`is refused with what is wrong: ${text.replace(/\n/g, " ")}`, () => {
      assert.throws(() => read(text), { message });
    });
  }

  it("has each owner once", () => {
    assert.throws(() => read(JSON.stringify([fragment, fragment])), {
      code: "usage",
      message: '--fragment must have each owner once, got "shop/prod/relay" twice',
    });
  });
});
