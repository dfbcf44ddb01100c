import assert from "node:assert/strict";
import {
  addFragment,
  fragmentParts,
  fragmentStatus,
  type PolicyFragment,
  removeFragment,
} from "../../../components/policy";
import { readHujson } from "./support/hujson";

const grant = { src: ["tag:srv"], dst: ["tag:relay"], app: { "tailscale.com/cap/relay": [] } };
const allowAll = { src: ["*"], dst: ["*"], ip: ["*"] };
const a: PolicyFragment = { owner: "shop/a/relay", grants: [grant], tagOwners: {} };
const b: PolicyFragment = { owner: "shop/b/relay", grants: [grant], tagOwners: {} };
const open = '{\n\t"hosts": {},\n}\n';
const keep = { keepAllowAll: true };

/** The file with a grant of somebody's own at the start of its list. */
function withGrant(text: string, foreign: object): string {
  return text.replace('"grants": [', `"grants": [\n\t\t${JSON.stringify(foreign)},`);
}

function grantCount(text: string): number {
  return (grantsOf(text) as unknown[]).length;
}

function grantsOf(text: string): unknown {
  return (readHujson(text) as { grants?: unknown }).grants;
}

describe("a policy file that allows everything", () => {
  it("is not given its first grant silently", () => {
    assert.throws(() => addFragment(open, a), {
      code: "allow-all",
      message:
        'this policy file has neither "acls" nor "grants", so it allows everything; its first grant would deny ' +
        "everything else and lock people out. First add to the file what shall stay allowed, for instance\n" +
        '  "grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}],\n' +
        "or set keepAllowAll, which adds that grant now and takes it out again with the last relay's; nothing was changed",
    });
  });

  it("is not opened by force either", () => {
    assert.throws(() => addFragment(open, a, { force: true }), { code: "allow-all" });
  });

  it("takes tag owners without a word", () => {
    const tags = { ...a, grants: [], tagOwners: { "tag:relay": [] } };
    assert.deepEqual(readHujson(addFragment(open, tags)), { hosts: {}, tagOwners: { "tag:relay": [] } });
  });

  it("goes on allowing everything when asked to, until the last relay leaves", () => {
    const both = addFragment(addFragment(open, a, keep), b, keep);
    const one = removeFragment(both, a);
    assert.deepEqual([both, one, removeFragment(one, b)].map(grantsOf), [
      [grant, grant, allowAll],
      [grant, allowAll],
      undefined,
    ]);
    assert.equal(removeFragment(one, b), open);
  });

  it("allows everything by itself again after the kill switch", () => {
    assert.equal(addFragment(addFragment(open, a, keep), { ...a, grants: [] }, keep), open);
  });

  it("keeps the allow-all grant when somebody relies on it beside a capability that they granted", () => {
    const foreign = { src: ["a@example.com"], dst: ["*"], app: { "example.com/cap/x": [] } };
    const mixed = withGrant(addFragment(open, a, keep), foreign);
    assert.equal(fragmentStatus(mixed, a), "present");
    assert.equal(addFragment(mixed, a, keep), mixed);
    assert.deepEqual(grantsOf(removeFragment(mixed, a)), [foreign, allowAll]);
  });

  it("keeps an allow-all grant that somebody narrowed", () => {
    const narrowed = addFragment(open, a, keep).replace(
      '{"src": ["*"], "dst": ["*"], "ip": ["*"]}',
      '{"src": ["autogroup:admin"], "dst": ["*"], "ip": ["*"]}',
    );
    const expected = [{ ...allowAll, src: ["autogroup:admin"] }];
    assert.deepEqual(grantsOf(removeFragment(narrowed, a)), expected);
  });
});

describe("a policy file that keepAllowAll keeps open", () => {
  const both = addFragment(addFragment(open, a, keep), b, keep);
  const rule = { src: ["a@example.com"], dst: ["*"], ip: ["22"] };
  const restrictions: [string, string][] = [
    ["acls", both.replace('"hosts"', '"acls": [], "hosts"')],
    ["a grant", withGrant(both, rule)],
    [
      "a grant between our marker and our grant",
      both.replace(/(allow-all.*\n)/, `$1${JSON.stringify(rule)},\n`),
    ],
  ];
  for (const [what, text] of restrictions) {
    it(`is neither kept open nor closed silently once somebody added ${what}`, () => {
      const error = { code: "allow-all", message: /^somebody added rules/ };
      assert.deepEqual(
        [fragmentStatus(text, a), fragmentParts(text, a).pop()],
        ["open", { part: "allow-all", state: "open" }],
      );
      for (const options of [keep, {}, { force: true }]) {
        assert.throws(() => addFragment(text, a, options), error);
        assert.throws(() => addFragment(text, { ...a, owner: "shop/c/relay" }, options), error);
        assert.throws(() => removeFragment(removeFragment(text, a), b, options), error);
      }
    });

    it(`goes on with either way out that the error names, after somebody added ${what}`, () => {
      const marker = /.*peer-relay: \* allow-all.*\n/;
      const value = /.*"src": \["\*"\], "dst": \["\*"\].*\n/;
      for (const decided of [text.replace(value, "").replace(marker, ""), text.replace(marker, "")]) {
        const left = removeFragment(removeFragment(decided, a), b);
        assert.equal(fragmentStatus(decided, a), "present");
        assert.equal(addFragment(decided, a, keep), decided);
        assert.equal(left.includes("shop/"), false);
        assert.equal(value.test(left), value.test(decided));
      }
    });

    it(`lets the kill switch through, and who leaves before the last, after somebody added ${what}`, () => {
      const off = { grants: [], tagOwners: {} };
      const killed = addFragment(addFragment(text, { ...a, ...off }), { ...b, ...off });
      assert.equal(fragmentStatus(killed, { ...a, ...off }), "present");
      assert.equal(grantCount(killed), grantCount(text) - 2);
      assert.equal(grantCount(removeFragment(text, a)), grantCount(text) - 1);
      assert.throws(() => removeFragment(killed, { ...a, ...off }), { code: "allow-all" });
    });
  }

  it("comes with an error that says what to do", () => {
    assert.throws(() => addFragment(withGrant(both, rule), a), {
      message:
        'somebody added rules ("acls" or "grants") to this policy file, but the grant by which keepAllowAll kept it open ' +
        "(line 10) goes on allowing everything to everybody. Delete that grant and its marker comment, if only the other " +
        "rules shall count; or delete only the marker comment, to keep it as your own; nothing was changed",
    });
  });

  it("is not held up by a grant of ours that lost its marker, nor by one that allows everything too", () => {
    const access = { src: ["tag:srv"], dst: ["tag:relay"], ip: ["*"] };
    const two = { ...a, grants: [grant, access] };
    const bare = addFragment(open, two, keep).replace(/.*grant#2.*\n/, "");
    const doubled = withGrant(addFragment(open, a, keep), allowAll);
    assert.deepEqual([fragmentStatus(bare, two), fragmentStatus(doubled, a)], ["present", "present"]);
    assert.equal(removeFragment(bare, two), open);
    assert.deepEqual(grantsOf(addFragment(bare, a, { ...keep, previous: two })), [grant, allowAll]);
    assert.equal(addFragment(doubled, a, keep), doubled);
  });

  it("tells of a deleted grant first, and of an edited one", () => {
    const text = withGrant(addFragment(open, a, keep), rule);
    assert.equal(fragmentStatus(removeFragment(withGrant(both, rule), a), a), "absent");
    assert.equal(fragmentStatus(text.replace("tag:srv", "tag:web"), a), "edited");
    assert.equal(fragmentStatus(text, { ...a, grants: [grant, { ...grant, src: ["*"] }] }), "open");
  });
});

describe("a policy file that does not allow everything", () => {
  const closed = '{\n\t"acls": [],\n}\n';

  it("is not opened when our grants were the last rules in it", () => {
    const withoutAcls = addFragment(closed, a).replace('\t"acls": [],\n', "");
    assert.throws(() => removeFragment(withoutAcls, a), {
      code: "allow-all",
      message: /^taking out the last grant/,
    });
    assert.throws(() => addFragment(withoutAcls, { ...a, grants: [] }), { code: "allow-all" });
    assert.deepEqual(readHujson(removeFragment(withoutAcls, a, { force: true })), {});
  });

  it("is not opened when somebody took our allow-all grant out", () => {
    const text = addFragment(open, a, keep).replace(/\n.*allow-all.*\n.*/, "");
    assert.deepEqual(grantsOf(text), [grant]);
    assert.throws(() => removeFragment(text, a), { code: "allow-all" });
  });

  it("keeps an empty list of grants that denies everything", () => {
    const text = '{"grants": []}\n';
    assert.equal(removeFragment(addFragment(text, a), a), text);
  });

  it("is left as it is when somebody emptied our grants", () => {
    const emptied = '{\n\t// peer-relay: * section - (goes with its last entry)\n\t"grants": [\n\t],\n}\n';
    assert.equal(removeFragment(emptied, a), emptied);
  });

  it("loses no access to a foreign grant that says the same as ours when a removal is repeated", () => {
    const text = '{\n\t"grants": [\n\t\t{"src": ["*"], "dst": ["*"], "ip": ["*"]},\n\t],\n}\n';
    const fragment = { ...a, grants: [grant, allowAll] };
    const removed = removeFragment(addFragment(text, fragment), fragment);
    assert.equal(removeFragment(removed, fragment), text);
  });
});
