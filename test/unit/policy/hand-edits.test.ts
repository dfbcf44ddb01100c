import assert from "node:assert/strict";
import { addFragment, fragmentStatus, removeFragment } from "../../../components/policy";
import { readHujson } from "./support/hujson";
import { access, fragment, grant, other } from "./support/relay";

const file = `{
	"acls": [],
	"grants": [
		// everybody
		{"src": ["*"], "dst": ["10.0.0.1"], "ip": ["*"]}, // for now
	],
	"tagOwners": {
	},
}
`;
const added = addFragment(file, fragment);
const force = { force: true };

function edit(from: string | RegExp, to: string, text = added): string {
  const edited = text.replace(from, to);
  assert.notEqual(edited, text);
  return edited;
}

describe("a fragment that was edited by hand", () => {
  const edited = edit(
    '{"src": ["tag:srv"], "dst": ["tag:relay"], "ip"',
    '{"src": ["*"], "dst": ["tag:relay"], "ip"',
  );

  it("stops every edit with what is in the file and what is expected", () => {
    const message = `the policy file was edited by hand where peer-relay wrote it ("-" is in the file, "+" is expected):
grant #2 of shop/prod/relay, line 7:
  - "src": ["*"]
  + "src": ["tag:srv"]
    "dst": ["tag:relay"]
    "ip": ["*"]
Nothing was changed. Undo that, or choose:
  adopt   it is the stack's from now on: peer-relay policy adopt --owner shop/prod/relay
  force   go over it: the argument forcePolicy, or --force with peer-relay policy apply and remove
  forget  it is your own from now on: peer-relay policy forget --owner shop/prod/relay`;
    assert.equal(fragmentStatus(edited, fragment), "edited");
    assert.throws(() => addFragment(edited, fragment), { code: "hand-edited", message });
    assert.throws(() => removeFragment(edited, fragment), { code: "hand-edited", message });
    assert.throws(() => addFragment(edited, { ...fragment, grants: [grant] }), { code: "hand-edited" });
  });

  it("is put right, or taken out, by force", () => {
    assert.equal(addFragment(edited, fragment, force), added);
    assert.equal(removeFragment(edited, fragment, force), file);
  });

  it("is no edit when somebody put rules of theirs between our marker and our grant, which stay, also by force", () => {
    const theirs = '\t\t{"src": ["group:a"], "dst": ["tag:db"], "ip": ["5432"]},\n';
    const second = '\t\t{"src": ["group:b"], "dst": ["tag:db"], "ip": ["5432"]},\n';
    const pushed = edit(/(.*grant#1.*\n)/, `$1${theirs}${second}`);
    const kept = edit(/(\t"grants": \[\n)/, `$1${theirs}${second}`, file);
    assert.equal(fragmentStatus(pushed, fragment), "present");
    assert.equal(addFragment(pushed, fragment, force), pushed);
    assert.equal(removeFragment(pushed, fragment), kept);
    assert.equal(removeFragment(pushed, fragment, force), kept);
    const narrower = { ...fragment, grants: [{ ...grant, src: ["tag:web"] }, access] };
    assert.equal(removeFragment(addFragment(pushed, narrower), narrower), kept);
  });

  it("is nobody else's concern", () => {
    assert.equal(removeFragment(addFragment(edited, other), other), edited);
  });

  it("is no edit when it already says what is wanted now", () => {
    const wanted = { ...fragment, grants: [grant, { ...access, src: ["*"] }] };
    assert.equal(fragmentStatus(edited, wanted), "present");
    assert.equal(addFragment(edited, wanted), addFragment(added, wanted));
  });

  it("is kept as somebody's own when its marker was deleted", () => {
    const adopted = edit(/.*grant#2.*\n/, "", edited);
    const kept = file.replace(
      "\t\t// everybody",
      '\t\t{"src": ["*"], "dst": ["tag:relay"], "ip": ["*"]},\n\t\t// everybody',
    );
    assert.equal(fragmentStatus(adopted, fragment), "partial");
    assert.deepEqual(readHujson(removeFragment(adopted, fragment)), {
      ...(readHujson(kept) as object),
      tagOwners: { "tag:relay": ["autogroup:admin"] },
    });
  });

  it("names all of its edits at once, tag owners too", () => {
    const twice = edit('"tag:relay": ["autogroup:admin"]', '"tag:relay": ["autogroup:member"]', edited);
    assert.throws(() => addFragment(twice, fragment), {
      code: "hand-edited",
      message:
        /grant #2 [^]*\ntagOwners of shop\/prod\/relay, line 13:\n {2}- "tag:relay": \["autogroup:member"\]\n {2}\+ "tag:relay": \["autogroup:admin"\]\n/,
    });
    assert.equal(removeFragment(twice, fragment, force), file);
    assert.equal(addFragment(twice, fragment, force), added);
  });

  it("stops an update when the tag itself was renamed", () => {
    const renamed = edit('"tag:relay": [', '"tag:relays": [');
    assert.throws(() => addFragment(renamed, fragment), {
      code: "hand-edited",
      message: /- "tag:relays": /,
    });
  });

  it("leaves the tag owners as they were edited to whoever edited them, when the owner goes for good", () => {
    const more = edit('"tag:relay": ["autogroup:admin"]', '"tag:relay": ["autogroup:admin", "group:net"]');
    const left = file.replace(
      '"tagOwners": {\n',
      '"tagOwners": {\n\t\t"tag:relay": ["autogroup:admin", "group:net"],\n',
    );
    assert.equal(removeFragment(more, fragment), left);
    assert.equal(removeFragment(more, fragment, force), file);
    assert.equal(removeFragment(left, fragment), left);
  });

  it("is healed when a grant or its marker alone was deleted", () => {
    const [noGrant, noValue] = [edit(/.*grant#1.*\n.*\n/, ""), edit(/(.*grant#2.*\n).*\n/, "$1")];
    assert.deepEqual(
      [noGrant, noValue].map((text) => fragmentStatus(text, fragment)),
      ["partial", "edited"],
    );
    assert.deepEqual((readHujson(addFragment(noGrant, fragment)) as { grants: unknown }).grants, [
      grant,
      access,
      { src: ["*"], dst: ["10.0.0.1"], ip: ["*"] },
    ]);
    assert.equal(removeFragment(noGrant, fragment), file);
  });

  it("leaves no marker behind when the value of the last grant was deleted", () => {
    const empty = '{"acls": [], "grants": [\n]}\n';
    const one = { ...fragment, grants: [grant], tagOwners: {} };
    const stray = edit(/(.*grant#1.*\n).*(?=\n)/, "$1", addFragment(empty, one));
    assert.equal(fragmentStatus(stray, one), "absent");
    assert.equal(removeFragment(stray, one).trim(), '{"acls": [], "grants": [\n\n]}');
    assert.equal(fragmentStatus(addFragment(stray, one), one), "present");
  });
});

describe("a fragment with other white space", () => {
  const reformatted = added
    .replace(
      '{"src": ["tag:srv"], "dst": ["tag:relay"], "ip": ["*"]},',
      '{\n"src":["tag:srv"],\n"dst":["tag:relay",],"ip":["\\u002a"]\n} ,',
    )
    .replace(/\n\t+/g, "\n      ")
    .replaceAll("\n", "\r\n");

  it("is no edit", () => {
    assert.equal(fragmentStatus(reformatted, fragment), "present");
    assert.equal(addFragment(reformatted, fragment), reformatted);
  });

  it("is taken out with its lines", () => {
    const expected = file.replace(/\n\t+/g, "\n      ").replaceAll("\n", "\r\n");
    assert.equal(removeFragment(reformatted, fragment), expected);
  });

  it("never pulls a rule of others into a comment", () => {
    const tight = `{"acls": [], "grants": [ // mine
// peer-relay: shop/prod/relay grant#1 0a9d3bcb4b06 (x)
${JSON.stringify(grant)}, {"src": ["*"], "dst": ["10.0.0.1"], "ip": ["*"]}]}
`;
    assert.deepEqual(readHujson(removeFragment(tight, { ...fragment, tagOwners: {} })), {
      acls: [],
      grants: [{ src: ["*"], dst: ["10.0.0.1"], ip: ["*"] }],
    });
  });

  it("keeps its marker when that was moved up to the bracket and another owner comes", () => {
    const moved = addFragment(file, fragment).replace(/\[\s+(\/\/ peer-relay: \S+ grant#1)/, "[ $1");
    const both = addFragment(moved, other);
    assert.deepEqual(
      [fragment, other].map((f) => fragmentStatus(both, f)),
      ["present", "present"],
    );
    const updated = addFragment(both, { ...fragment, grants: [{ ...grant, src: ["*"] }, access] });
    assert.equal((readHujson(updated) as { grants: unknown[] }).grants.length, 5, "replaced, not added");
    assert.deepEqual(readHujson(removeFragment(removeFragment(both, other), fragment)), readHujson(file));
  });

  it("leaves the comments that others put into it", () => {
    const noted = edit(/(.*grant#1.*\n)(.*),\n/, "$1\t\t// why?\n$2 /* ask */ , // Bob\n");
    assert.equal(fragmentStatus(noted, fragment), "present");
    const left = removeFragment(noted, fragment);
    assert.deepEqual(
      ["// why?", "/* ask */", "// Bob", "peer-relay", "tag:srv"].map((word) => left.includes(word)),
      [true, true, true, false, false],
    );
    assert.deepEqual(readHujson(left), readHujson(file));
  });
});

describe("a section that we added", () => {
  const before = '{\n  "acls": [],\n}\n';
  const ours = addFragment(before, fragment);

  for (const [where, from, to] of [
    ["behind our grant", "},\n", "},\n    // human\n"],
    ["on the bracket's line", '"grants": [\n', '"grants": [ // human\n'],
    ["in a block", "},\n", "}, /* human */\n"],
  ] as const) {
    it(`goes, and leaves a comment that somebody put ${where}`, () => {
      const noted = ours.replace(from, to);
      assert.notEqual(noted, ours);
      const left = removeFragment(noted, fragment);
      assert.deepEqual(
        [readHujson(left), left.includes("human"), left.includes("grants"), left.includes("peer-relay")],
        [{ acls: [] }, true, false, false],
      );
    });
  }
});

describe("a fragment that lost its markers", () => {
  const bare = added.replace(/.*peer-relay: .* grant#.*\n/g, "");

  it("is still there", () => {
    assert.equal(fragmentStatus(bare, fragment), "present");
  });

  it("is taken out by its exact value", () => {
    assert.equal(removeFragment(bare, fragment), file);
  });

  it("is found by an update that knows what was there before", () => {
    const wanted = { ...fragment, grants: [{ ...grant, src: ["*"] }] };
    assert.equal(addFragment(bare, wanted, { previous: fragment }), addFragment(file, wanted));
  });

  it("is somebody else's for an add that does not", () => {
    const grantsOnly = { ...fragment, tagOwners: {} };
    const foreign = addFragment(file, grantsOnly).replace(/.*peer-relay: .*\n/g, "");
    assert.equal(removeFragment(addFragment(foreign, grantsOnly), { ...grantsOnly, grants: [] }), foreign);
  });
});
