import assert from "node:assert/strict";
import {
  addFragment,
  fragmentParts,
  fragmentStatus,
  type Grant,
  type PolicyFragment,
  removeFragment,
} from "../../../components/policy";
import { readHujson } from "./support/hujson";

const file =
  '{\n  "acls": [],\n  "grants": [\n    {"src": ["a@example.com"], "dst": ["*"], "ip": ["*"]}\n  ]\n}\n';
const [one, two, three] = [relayGrant("tag:eu"), relayGrant("tag:us"), relayGrant("tag:jp")] as const;

function relayGrant(tag: string): Grant {
  return { src: [tag], dst: ["tag:relay"], app: { "tailscale.com/cap/relay": [] } };
}

function fragment(grants: Grant[], owner = "shop/prod/relay"): PolicyFragment {
  return { owner, grants, tagOwners: {} };
}

describe("an update of a fragment", () => {
  const changes: [string, Grant[], Grant[]][] = [
    ["one grant by another", [one], [two]],
    ["one grant by three", [one], [one, two, three]],
    ["three grants by one", [one, two, three], [two]],
    ["the order of grants", [one, two], [two, one]],
    ["all grants by none", [one, two], []],
    ["no grants by two", [], [one, two]],
  ];
  for (const [what, before, now] of changes) {
    it(`replaces ${what}`, () => {
      const old = addFragment(file, fragment(before));
      const updated = addFragment(old, fragment(now));
      const { grants } = readHujson(updated) as { grants: Grant[] };
      const byTag = (list: Grant[]): string[] => list.flatMap(({ src }) => src).sort();
      assert.deepEqual(byTag(grants), byTag([...now, { ...one, src: ["a@example.com"] }]));
      assert.equal(
        fragmentStatus(old, fragment(now)),
        before.length && now.length ? "partial" : now.length ? "absent" : "partial",
      );
      assert.equal(fragmentStatus(updated, fragment(now)), "present");
      assert.equal(removeFragment(updated, fragment(now)), file);
    });
  }

  it("leaves a changed grant in its place", () => {
    const other = fragment([three], "shop/dev/relay");
    const stacked = addFragment(addFragment(file, fragment([one])), other);
    assert.equal(
      addFragment(stacked, fragment([two])),
      addFragment(addFragment(file, fragment([two])), other),
    );
  });

  it("takes a copied marker with its copied grant for its own", () => {
    const added = addFragment(file, fragment([one]));
    const span = /\n *\/\/ peer-relay.*\n.*/.exec(added)?.[0] ?? assert.fail();
    const doubled = added.replace(span, span + span);
    assert.deepEqual(fragmentParts(doubled, fragment([one])), [
      { part: "grants[0]", state: "present" },
      { part: "grants[0]", state: "stale" },
    ]);
    assert.equal(addFragment(doubled, fragment([one])), added);
    assert.equal(removeFragment(doubled, fragment([one])), file);
  });

  it("does not take an owner for another whose name begins the same", () => {
    const both = addFragment(
      addFragment(file, fragment([one], "shop/prod")),
      fragment([one], "shop/prod/relay"),
    );
    assert.equal(
      removeFragment(both, fragment([], "shop/prod")),
      addFragment(file, fragment([one], "shop/prod/relay")),
    );
  });

  it("names each part that differs", () => {
    const old = addFragment(file, { ...fragment([one, two]), tagOwners: { "tag:relay": [], "tag:old": [] } });
    const wanted = { ...fragment([one, three, two]), tagOwners: { "tag:relay": [], "tag:new": [] } };
    assert.deepEqual(fragmentParts(old, wanted), [
      { part: "grants[0]", state: "present" },
      { part: "grants[1]", state: "stale" },
      { part: "grants[2]", state: "missing" },
      { part: 'tagOwners["tag:relay"]', state: "present" },
      { part: 'tagOwners["tag:new"]', state: "missing" },
      { part: 'tagOwners["tag:old"]', state: "stale" },
    ]);
  });
});
