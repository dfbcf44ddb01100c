import assert from "node:assert/strict";
import { addFragment, type PolicyFragment, removeFragment } from "../../../components/policy";
import { readHujson } from "./support/hujson";

const grant = { src: ["tag:srv"], dst: ["tag:relay"], app: { "tailscale.com/cap/relay": [] } };
const allowAll = { src: ["*"], dst: ["*"], ip: ["*"] };
const a: PolicyFragment = { owner: "shop/a/relay", grants: [grant], tagOwners: {} };
const b: PolicyFragment = { owner: "shop/b/relay", grants: [grant], tagOwners: {} };
const open = '{\n\t"hosts": {},\n}\n';
const keep = { keepAllowAll: true };

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

  it("keeps the allow-all grant when somebody relies on it beside grants of their own", () => {
    const mixed = addFragment(open, a, keep).replace(
      '"grants": [',
      '"grants": [\n\t\t{"src": ["a@example.com"], "dst": ["*"], "ip": ["22"]},',
    );
    const foreign = { src: ["a@example.com"], dst: ["*"], ip: ["22"] };
    assert.deepEqual(grantsOf(removeFragment(mixed, a)), [foreign, allowAll]);
  });

  it("keeps the allow-all grant when somebody added acls", () => {
    const mixed = addFragment(open, a, keep).replace('"hosts"', '"acls": [], "hosts"');
    assert.deepEqual(grantsOf(removeFragment(mixed, a)), [allowAll]);
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
