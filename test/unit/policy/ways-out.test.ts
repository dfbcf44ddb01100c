import assert from "node:assert/strict";
import * as fc from "fast-check";
import {
  addFragment,
  adoptFragment,
  forgetOwner,
  fragmentPresence,
  fragmentStatus,
  ownedParts,
  removeFragment,
  renderFragment,
  takenParts,
} from "../../../components/policy";
import { validFiles } from "./support/corpus";
import { readHujson } from "./support/hujson";
import { access, fragment, grant, other } from "./support/relay";

const file = `{
	"acls": [],
	"grants": [
		// everybody
		{"src": ["*"], "dst": ["10.0.0.1"], "ip": ["*"]}, // for now
	],
}
`;
const added = addFragment(file, fragment);
const edited = edit(
  added,
  '{"src": ["tag:srv"], "dst": ["tag:relay"], "ip"',
  '{"src": ["*"], "dst": ["tag:relay"], "ip"',
);
const editedTag = edit(edited, '"tag:relay": ["autogroup:admin"]', '"tag:relay": ["group:net"]');

function edit(from: string, what: string | RegExp, to: string): string {
  const result = from.replace(what, to);
  assert.notEqual(result, from);
  return result;
}

const marker =
  /[ \t]*\/\/ peer-relay: \S+ (grant#[1-9]\d*|tag-owner|section|allow-all) ([0-9a-f]{12}|-) \([^\n]*\n/g;
const withoutMarkers = (text: string): string => text.replace(marker, "");
const owners = (text: string): string[] => [...new Set(ownedParts(text).map(({ owner }) => owner))];

describe("what each owner has in a policy file", () => {
  it("is there with its line, what it says, and whether that is what was written", () => {
    const lost = edit(editedTag, /(.*grant#1.*\n).*\n/, "$1");
    const shared = addFragment(added, other);
    assert.deepEqual(JSON.parse(JSON.stringify(ownedParts(added))), [
      { owner: "*", part: "tagOwners", line: 3, state: "written" },
      {
        owner: "shop/prod/relay",
        part: 'tagOwners["tag:relay"]',
        line: 5,
        state: "written",
        value: ["autogroup:admin"],
      },
      { owner: "shop/prod/relay", part: "grants[0]", line: 10, state: "written", value: grant },
      { owner: "shop/prod/relay", part: "grants[1]", line: 12, state: "written", value: access },
    ]);
    assert.deepEqual(
      ownedParts(lost).map(({ part, line, state }) => [part, line, state]),
      [
        ["tagOwners", 3, "written"],
        ['tagOwners["tag:relay"]', 5, "edited"],
        ["grants[0]", 9, "lost"],
        ["grants[1]", 11, "edited"],
      ],
    );
    assert.deepEqual(
      ownedParts(shared)
        .filter(({ part }) => part.startsWith("tagOwners["))
        .map(({ owner, line }) => [owner, line]),
      [
        ["shop/dev/relay", 6],
        ["shop/prod/relay", 6],
      ],
    );
  });

  it("has every marker of the file, wherever somebody moved it to", () => {
    const [comment = ""] = /\/\/ peer-relay: .*tag-owner.*/.exec(added) ?? [];
    const moved = `${comment}\n{${comment}\n"acls": [${comment}\n], "grants": [{} ${comment}\n, ${comment}\n]}\n`;
    const found = ownedParts(moved).map(({ part, line, state }) => [part, line, state]);
    assert.deepEqual(
      found,
      [1, 2, 3, 4, 5].map((line) => ["tagOwners", line, "lost"]),
    );
    assert.deepEqual(ownedParts(file), []);
  });

  it("has the grant that keeps a file open", () => {
    const open = addFragment("{}\n", { ...fragment, tagOwners: {} }, { keepAllowAll: true });
    assert.deepEqual(
      ownedParts(open)
        .filter(({ owner }) => owner === "*")
        .map(({ part, state }) => [part, state]),
      [
        ["grants", "written"],
        ["allow-all", "written"],
      ],
    );
  });
});

describe("adopt", () => {
  it("makes an edit by hand the owner's, by its markers alone", () => {
    const adopted = adoptFragment(editedTag, { ...fragment, grants: [] });
    const now = { ...fragment, grants: [grant, { ...access, src: ["*"] }] };
    assert.equal(withoutMarkers(adopted), withoutMarkers(editedTag));
    assert.deepEqual([...new Set(ownedParts(adopted).map(({ state }) => state))], ["written"]);
    assert.equal(fragmentStatus(adopted, { ...now, tagOwners: { "tag:relay": ["group:net"] } }), "present");
    assert.equal(addFragment(adopted, fragment), added);
    assert.equal(removeFragment(adopted, fragment), file);
  });

  it("is nothing where nothing was edited, or another owner's was", () => {
    assert.equal(adoptFragment(added, fragment), added);
    assert.equal(adoptFragment(editedTag, other), editedTag);
    assert.equal(adoptFragment("{}\n", fragment), "{}\n");
  });

  it("marks grants that were pasted by hand, in any layout, and one of several", () => {
    const [a, b] = [JSON.stringify(grant), JSON.stringify(access)];
    const pasted = edit(file, "\t\t// everybody", `\t\t${b},\n\t\t// the relay\n\t\t${a},\n\t\t// everybody`);
    const only = { ...fragment, tagOwners: {} };
    const adopted = adoptFragment(pasted, only);
    assert.equal(withoutMarkers(adopted), pasted);
    assert.equal(fragmentStatus(adopted, only), "present");
    assert.equal(removeFragment(adopted, only), edit(file, "\t\t// e", "\t\t// the relay\n\t\t// e"));
    for (const line of [
      `{"grants": [${a}, ${b}]}\n`,
      `{"grants":[{},${a} , ${b},]}`,
      `{"grants": [${a}, ${a}, ${b}]}`,
    ]) {
      const marked = adoptFragment(`\uFEFF${line}`, only);
      assert.deepEqual(
        [fragmentStatus(marked, only), ownedParts(marked).length, addFragment(marked, only)],
        ["present", 2, marked],
      );
      assert.deepEqual(readHujson(marked), readHujson(line));
      assert.equal(adoptFragment(marked, only), marked);
    }
  });

  it("marks a pasted grant to everything too: it was asked for by name", () => {
    const all = { ...fragment, grants: [{ src: ["tag:srv"], dst: ["*"], ip: ["*"] }], tagOwners: {} };
    const pasted = `{"grants": [\n\t${JSON.stringify(all.grants[0])}\n]}\n`;
    assert.equal(removeFragment(adoptFragment(pasted, all), all), '{"grants": [\n]}\n');
  });
});

describe("forget", () => {
  it("takes an owner's markers out and leaves every entry", () => {
    const both = addFragment(editedTag, other);
    const forgotten = forgetOwner(both, "shop/prod/relay");
    assert.deepEqual(owners(forgotten), ["*", "shop/dev/relay"]);
    assert.equal(withoutMarkers(forgotten), withoutMarkers(both));
    assert.equal(forgetOwner(editedTag, fragment.owner), withoutMarkers(editedTag));
    assert.equal(forgetOwner(forgotten, "shop/prod/relay"), forgotten);
  });

  it("leaves what was edited alone when the stack writes again and goes", () => {
    const forgotten = forgetOwner(edited, fragment.owner);
    const again = addFragment(forgotten, fragment, { previous: fragment });
    const after = removeFragment(again, fragment);
    assert.equal(fragmentStatus(again, fragment), "present");
    assert.match(after, /\{"src": \["\*"\], "dst": \["tag:relay"\], "ip": \["\*"\]\},\n/);
    assert.deepEqual(ownedParts(after), []);
  });

  it("hands a shared entry over to the others who claim it", () => {
    const wider = { ...other, grants: [], tagOwners: { "tag:relay": ["group:net"] } };
    const shared = addFragment(added, wider);
    const forgotten = forgetOwner(shared, fragment.owner);
    const [left] = ownedParts(forgotten).filter(({ part }) => part === 'tagOwners["tag:relay"]');
    assert.deepEqual([left?.owner, left?.state], ["shop/dev/relay", "written"]);
  });

  it("leaves the grant that keeps a file open to whoever has the file", () => {
    const open = addFragment("{}\n", fragment, { keepAllowAll: true });
    const forgotten = forgetOwner(open, fragment.owner);
    assert.equal(forgotten, withoutMarkers(open));
    assert.deepEqual(readHujson(forgotten), readHujson(open));
  });

  it("takes stray markers out too", () => {
    const lost = edit(added, /(.*grant#[12].*\n).*\n/, "$1");
    assert.deepEqual(owners(forgetOwner(lost, fragment.owner)), []);
  });
});

describe("an emitted fragment that goes over to a stack's two names", () => {
  const grants = { ...fragment, tagOwners: {} };
  const tags = { owner: `${fragment.owner}/tags`, grants: [], tagOwners: fragment.tagOwners };

  it("is no other stack's, whether it was merged or pasted and adopted, and goes with the stack", () => {
    const pasted = forgetOwner(added, fragment.owner);
    for (const text of [added, adoptFragment(pasted, fragment)]) {
      assert.deepEqual([takenParts(text, tags), takenParts(text, grants)], [[], []]);
      const up = addFragment(addFragment(text, tags), grants);
      assert.deepEqual([fragmentStatus(up, tags), fragmentStatus(up, grants)], ["present", "present"]);
      assert.equal(fragmentStatus(removeFragment(removeFragment(up, grants), tags), grants), "absent");
    }
    assert.equal(
      removeFragment(removeFragment(addFragment(addFragment(added, tags), grants), grants), tags),
      file,
    );
  });

  it("is another stack's when its grants or its tags are others", () => {
    const narrower = { ...grants, grants: [grant] };
    const wider = { ...tags, tagOwners: { "tag:relay": ["group:net"] } };
    const names = (parts: { part: string }[]) => parts.map(({ part }) => part);
    assert.deepEqual(names(takenParts(added, narrower)), ["grants[1]"]);
    assert.deepEqual(names(takenParts(addFragment(file, tags), wider)), ['tagOwners["tag:relay"]']);
  });
});

describe("adopt and forget, on any file", () => {
  const files = validFiles().filter(({ text }) => text.length < 50_000);

  it("change markers only", () => {
    fc.assert(
      fc.property(fc.constantFrom(...files), fc.boolean(), ({ text }, force) => {
        const merged = addFragment(text, fragment, { keepAllowAll: true, force });
        const changed = merged.replace(
          '"dst": ["tag:relay"], "ip": ["*"]',
          '"dst": ["tag:relay"], "ip": ["22"]',
        );
        const [adopted, forgotten] = [adoptFragment(changed, fragment), forgetOwner(changed, fragment.owner)];
        assert.deepEqual(readHujson(adopted), readHujson(changed));
        assert.deepEqual(readHujson(forgotten), readHujson(changed));
        assert.equal(withoutMarkers(adopted), withoutMarkers(changed));
        assert.equal(forgotten, withoutMarkers(changed));
        assert.equal(removeFragment(adopted, fragment), removeFragment(merged, fragment));
      }),
      { numRuns: 60 },
    );
  });
});

describe("the presence of a fragment", () => {
  const states = (text: string, of = fragment) =>
    fragmentPresence(text, of).map(({ part, state }) => `${part} ${state}`);

  it("counts what is in the file by any hand", () => {
    const all = { ...fragment, grants: [grant, { src: ["*"], dst: ["*"], ip: ["*"] }] };
    const pasted = `{"grants": ${JSON.stringify(all.grants)}, "tagOwners": ${JSON.stringify(all.tagOwners)}}`;
    const present = ["grants[0] present", "grants[1] present", 'tagOwners["tag:relay"] present'];
    assert.deepEqual(states(pasted, all), present);
    assert.deepEqual(states(added), present);
    assert.deepEqual(states(renderFragment(fragment)), present);
    assert.deepEqual(states(addFragment(file, { ...other, grants: [] })).at(-1), present.at(-1));
  });

  it("names what lacks, what was edited, what is older, and what is too much", () => {
    assert.deepEqual(states(file), [
      "grants[0] missing",
      "grants[1] missing",
      'tagOwners["tag:relay"] missing',
    ]);
    assert.deepEqual(states(edited)[1], "grants[1] edited");
    const off = { ...fragment, grants: [{ ...grant, src: ["tag:web"] }], tagOwners: {} };
    assert.deepEqual(states(added, off), [
      "grants[0] stale",
      "grants[1] stale",
      'tagOwners["tag:relay"] stale',
    ]);
  });

  it("says where somebody else's entry names other owners", () => {
    const text = '{"tagOwners": {"tag:relay": ["group:net"]}}';
    assert.deepEqual(fragmentPresence(text, { ...fragment, grants: [] }), [
      {
        part: 'tagOwners["tag:relay"]',
        state: "present",
        note: 'the file has ["group:net"], the fragment ["autogroup:admin"]',
      },
    ]);
  });
});
