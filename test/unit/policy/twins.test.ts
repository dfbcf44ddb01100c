import assert from "node:assert/strict";
import {
  addFragment,
  fragmentStatus,
  type Grant,
  type PolicyFragment,
  removeFragment,
} from "../../../components/policy";
import { readHujson } from "./support/hujson";

const relay = { src: ["tag:srv"], dst: ["tag:relay"], app: { "tailscale.com/cap/relay": [] } };
const access = { src: ["tag:srv"], dst: ["tag:relay"], ip: ["*"] };
const file =
  '{\n\t"acls": [],\n\t"grants": [\n\t\t{"src": ["*"], "dst": ["10.0.0.1"], "ip": ["*"]},\n\t],\n}\n';
const force = { force: true };

function fragment(...grants: Grant[]): PolicyFragment {
  return { owner: "shop/prod/relay", grants, tagOwners: {} };
}

/** The file with somebody's own grants in it, before line `at` of the text. */
function paste(text: string, at: number, ...grants: Grant[]): string {
  const lines = text.split("\n");
  return [
    ...lines.slice(0, at),
    ...grants.map((grant) => `\t\t${JSON.stringify(grant)},`),
    ...lines.slice(at),
  ].join("\n");
}

function withoutMarkers(text: string): string {
  return text.replace(/.*peer-relay: .* grant#.*\n/g, "");
}

/** What someone has in the file who pastes the grants of `policy: "emit"` into it, before the merged ones go. */
describe("a grant of somebody's own that says the same as ours", () => {
  const ours = fragment(relay, access);
  const [top, bottom] = [3, 4];

  it("stays when ours is added, changed and removed beside it, wherever it stands", () => {
    const changed = fragment({ ...relay, src: ["tag:web"] }, access);
    for (const at of [top, bottom]) {
      const theirs = paste(file, at, relay, access);
      const both = addFragment(theirs, ours);
      const updated = addFragment(both, changed, { previous: ours });
      assert.deepEqual(
        [removeFragment(both, ours), removeFragment(updated, changed), removeFragment(both, ours, force)],
        [theirs, theirs, theirs],
      );
    }
    const added = addFragment(file, ours);
    assert.equal(removeFragment(paste(added, top, relay), ours), paste(file, top, relay));
    assert.equal(removeFragment(paste(added, 7, relay), ours), paste(file, top, relay));
    // Right below our marker it is the upper one that goes, and theirs is then what we wrote.
    const left = removeFragment(paste(added, 4, relay), ours);
    assert.deepEqual(readHujson(left), readHujson(paste(file, top, relay)));
  });

  it("stays when ours is not as the state knows it: an update that was written, but not saved", () => {
    const moved = fragment(access);
    const changed = fragment({ ...relay, src: ["tag:web"] }, access);
    for (const [now, grant] of [
      [moved, access],
      [changed, relay],
    ] as const) {
      const theirs = paste(file, bottom, grant);
      const written = addFragment(theirs, now);
      assert.equal(addFragment(written, now, { previous: ours }), written);
      assert.equal(removeFragment(written, ours), theirs);
    }
  });

  it("stays when ours was taken out by a write that is repeated because its answer was lost", () => {
    const theirs = paste(file, bottom, relay);
    const retryOf = addFragment(theirs, ours);
    const smaller = fragment(access);
    const updated = addFragment(retryOf, smaller, { previous: ours });
    assert.equal(removeFragment(theirs, ours, { retryOf }), theirs);
    assert.equal(addFragment(updated, smaller, { previous: ours, retryOf }), updated);
    const twice = paste(theirs, bottom, relay);
    assert.equal(removeFragment(theirs, fragment(relay), { force: true, retryOf: twice }), theirs);
    assert.equal(removeFragment(theirs, fragment(relay), { retryOf: theirs }), file);
  });

  it("is taken for ours, which has lost its marker, only where it is the one such grant in the file", () => {
    const one = paste(file, bottom, relay, access);
    const changed = fragment({ ...relay, src: ["tag:web"] });
    assert.equal(fragmentStatus(one, ours), "present");
    assert.equal(removeFragment(one, ours), file);
    assert.equal(addFragment(one, changed, { previous: ours }), addFragment(file, changed));
  });

  it("stops a removal and an update that cannot tell the two, with the ways out", () => {
    const twice = paste(withoutMarkers(addFragment(file, ours)), 6, relay);
    const error = {
      code: "hand-edited",
      message: `grant #1 of shop/prod/relay lost its marker comment, and more than one grant in the policy file (lines 4, 7) says exactly the same. Put the comment back above ours,
  // peer-relay: shop/prod/relay grant#1 0a9d3bcb4b06 (managed by Pulumi: change it in the stack)
or change or delete the others (one that is left alone is taken for ours), or force to take the upper one; nothing was changed`,
    };
    assert.throws(() => removeFragment(twice, ours), error);
    assert.throws(() => addFragment(twice, fragment(access), { previous: ours }), error);
    assert.equal(removeFragment(twice, ours, force), paste(file, bottom, relay));
  });

  it("stays when the marker is put back above ours, as the error says", () => {
    const [marker] = /.*peer-relay: .*\n/.exec(addFragment(file, fragment(relay))) ?? assert.fail();
    const twice = paste(paste(file, top, relay), bottom, relay);
    const healed = twice.replace(/(.*tag:srv.*\n)(.*tag:srv)/, `$1${marker}$2`);
    assert.throws(() => removeFragment(twice, fragment(relay)), { code: "hand-edited" });
    assert.equal(removeFragment(healed, fragment(relay)), paste(file, top, relay));
  });

  it("is the other relay's of the same stack when all comments are gone: one forced update gives both theirs back", () => {
    const other = { ...ours, owner: "shop/prod/relay-2" };
    const bare = withoutMarkers(addFragment(addFragment(file, ours), other));
    assert.throws(() => removeFragment(bare, ours), { code: "hand-edited" });
    const healed = [ours, other].reduce(
      (text, relayOf) => addFragment(text, relayOf, { previous: relayOf, force: true }),
      bare,
    );
    assert.equal(healed, addFragment(addFragment(file, ours), other));
  });

  it("is named together with all others that cannot be told from ours", () => {
    const twice = paste(file, top, relay, access, relay, access);
    assert.throws(() => removeFragment(twice, ours), { message: /grant #1 of [^]*grant #2 of / });
  });
});
