import assert from "node:assert/strict";
import {
  addFragment,
  fragmentParts,
  fragmentStatus,
  type PolicyFragment,
  removeFragment,
} from "../../../components/policy";
import { readHujson } from "./support/hujson";

const file = '{\n\t"acls": [\n\t],\n}\n';
const admins = { "tag:relay": ["autogroup:admin"] };
const sre = { "tag:relay": ["group:sre"] };

function tags(owner: string, tagOwners: PolicyFragment["tagOwners"] = admins): PolicyFragment {
  return { owner: `shop/${owner}/tags`, grants: [], tagOwners };
}

function grants(owner: string): PolicyFragment {
  const grant = { src: ["*"], dst: ["tag:relay"], app: { "tailscale.com/cap/relay": [] } };
  return { owner: `shop/${owner}`, grants: [grant], tagOwners: {} };
}

function add(text: string, ...fragments: PolicyFragment[]): string {
  return fragments.reduce((result, fragment) => addFragment(result, fragment), text);
}

function remove(text: string, ...fragments: PolicyFragment[]): string {
  return fragments.reduce((result, fragment) => removeFragment(result, fragment), text);
}

function ownersOf(text: string): unknown {
  return (readHujson(text) as { tagOwners?: unknown }).tagOwners;
}

describe("tag owners", () => {
  it("share one entry, with one marker line for each stack", () => {
    assert.equal(
      add(file, tags("a"), tags("b")),
      `{
	// peer-relay: * section - (goes with its last entry)
	"tagOwners": {
		// peer-relay: shop/b/tags tag-owner 864ab19e682d (managed by Pulumi: change it in the stack)
		// peer-relay: shop/a/tags tag-owner 864ab19e682d (managed by Pulumi: change it in the stack)
		"tag:relay": ["autogroup:admin"],
	},
	"acls": [
	],
}
`,
    );
  });

  const referrers: [string, string][] = [
    ["acls src", '"acls": [{"action": "accept", "src": ["tag:relay"], "dst": ["*:*"]}],'],
    ["acls dst with a port", '"acls": [{"action": "accept", "src": ["*"], "dst": ["tag:relay:22"]}],'],
    ["grants via", '"grants": [{"src": ["*"], "dst": ["10.0.0.0/8"], "ip": ["*"], "via": ["tag:relay"]}],'],
    ["ssh", '"ssh": [{"action": "accept", "src": ["*"], "dst": ["tag:relay"], "users": ["root"]}],'],
    ["autoApprovers", '"autoApprovers": {"routes": {"10.0.0.0/8": ["tag:relay"]}, "exitNode": []},'],
    ["nodeAttrs", '"nodeAttrs": [{"target": ["tag:relay"], "attr": ["funnel"]}],'],
    ["tests", '"tests": [{"src": "a@example.com", "accept": ["tag:relay:40000"]}],'],
    ["another tag's owners", '"tagOwners": {"tag:web": ["tag:relay"]},'],
    ["a name", '"nodeAttrs": [{"attr": {"tag:relay": 1}}],'],
    ["an escaped text", '"nodeAttrs": [{"target": ["t\\u0061g:relay"]}],'],
  ];
  for (const [where, text] of referrers) {
    it(`stay while others refer to the tag in ${where}, and go with the next one who leaves after that`, () => {
      const open = '{\n\t"groups": {},\n}\n';
      const used = open.replace('"groups": {},', `"groups": {}, ${text}`);
      const left = remove(add(used, tags("a")), tags("a"));
      assert.deepEqual((ownersOf(left) as typeof admins)["tag:relay"], ["autogroup:admin"]);
      assert.match(left, /\/\/ peer-relay: \* tag-owner 864ab19e682d \(its stacks are gone/);
      assert.equal(fragmentStatus(left, tags("a")), "absent");
      const unused = left.replace(` ${text}`, "").replace('{"tag:web": ["tag:relay"]}', "{}");
      const cleared = remove(unused, tags("b"));
      assert.equal(
        cleared.includes("tag:relay"),
        where === "another tag's owners" && unused.includes('["tag:relay"]'),
      );
    });
  }

  it("do not stay for a tag whose name only begins or ends like theirs, or for a comment", () => {
    const text =
      '{\n\t// "tag:relay"\n\t"acls": [{"src": ["tag:relay-2", "xtag:relay"], "dst": ["tag:relay2:*"]}],\n}\n';
    assert.equal(remove(add(text, tags("a")), tags("a")), text);
  });

  it("are taken over by the next stack that wants the tag", () => {
    const used = '{\n\t"acls": [{"src": ["tag:relay"]}],\n}\n';
    const left = remove(add(used, tags("a")), tags("a"));
    assert.equal(add(left, tags("b")), add(used, tags("b")));
    assert.equal(add(left, tags("b", sre)), add(used, tags("b", sre)));
  });

  it("go in any order with the grants that refer to them", () => {
    const parts = [tags("a"), grants("a"), tags("b"), grants("b")];
    const full = add(file, ...parts);
    for (const first of parts) {
      for (const second of parts.filter((part) => part !== first)) {
        const rest = parts.filter((part) => part !== first && part !== second);
        assert.equal(remove(full, first, second, ...rest), file);
        assert.equal(remove(full, first, second, ...rest.reverse()), file);
      }
    }
  });

  it("go although they own each other or themselves", () => {
    const ring = { "tag:a": ["tag:b"], "tag:b": ["tag:a"], "tag:c": ["tag:c"] };
    assert.equal(remove(add(file, tags("a", ring)), tags("a", ring)), file);
  });

  it("stay for the tags that they own and that stay", () => {
    const chain = { "tag:a": ["tag:b"], "tag:b": ["tag:c"], "tag:c": [], "tag:d": [] };
    const used = file.replace("[\n\t]", '[{"src": ["tag:a"]}]');
    const left = remove(add(used, tags("a", chain)), tags("a", chain));
    assert.deepEqual(ownersOf(left), { "tag:a": ["tag:b"], "tag:b": ["tag:c"], "tag:c": [] });
    assert.equal(remove(left.replace('{"src": ["tag:a"]}', "\n\t"), tags("b")), file);
  });

  it("of somebody else are never touched, whatever they say", () => {
    const foreign = '{\n\t"acls": [],\n\t"tagOwners": {\n\t\t"tag:relay": ["group:sre"],\n\t},\n}\n';
    assert.equal(add(foreign, tags("a")), foreign);
    assert.equal(fragmentStatus(foreign, tags("a")), "present");
    assert.equal(addFragment(foreign, tags("a"), { force: true }), foreign);
    assert.equal(removeFragment(foreign, tags("a"), { force: true }), foreign);
  });

  it("that lost their marker are somebody's own: neither changed nor taken out", () => {
    const bare = add(file, tags("a")).replace(/.*tag-owner.*\n/, "");
    assert.equal(addFragment(bare, tags("a", sre), { previous: tags("a") }), bare);
    assert.equal(removeFragment(bare, tags("a")), bare);
    assert.equal(removeFragment(bare, tags("a"), { force: true }), bare);
  });

  it("that are shared stay as they are for a stack that comes later", () => {
    const both = add(file, tags("a"), tags("b", sre));
    assert.deepEqual(ownersOf(both), admins);
    assert.deepEqual(
      [tags("a"), tags("b", sre)].map((f) => fragmentStatus(both, f)),
      ["present", "present"],
    );
    assert.equal(add(both, tags("a"), tags("b", sre)), both);
    assert.equal(remove(both, tags("a"), tags("b", sre)), file);
    assert.equal(remove(both, tags("b", sre), tags("a")), file);
  });

  it("become what the stack that stays wants, once it is updated", () => {
    const left = remove(add(file, tags("a"), tags("b", sre)), tags("a"));
    assert.deepEqual(ownersOf(left), admins);
    assert.deepEqual(fragmentParts(left, tags("b", sre)), [
      { part: 'tagOwners["tag:relay"]', state: "stale" },
    ]);
    assert.equal(add(left, tags("b", sre)), add(file, tags("b", sre)));
  });

  it("change for all stacks when one stack changes them, and the others may follow", () => {
    const both = add(file, tags("a"), tags("b"));
    const one = add(both, tags("a", sre));
    assert.deepEqual(ownersOf(one), sre);
    assert.equal(fragmentStatus(one, tags("b")), "present");
    const all = add(one, tags("b", sre));
    assert.equal(all, add(file, tags("a", sre), tags("b", sre)));
    assert.equal(remove(one, tags("a", sre), tags("b")), file);
    assert.equal(remove(one, tags("b"), tags("a", sre)), file);
  });

  it("that a stack no longer has are taken out by its next add", () => {
    const two = { ...admins, "tag:extra": [] };
    assert.equal(add(add(file, tags("a", two)), tags("a")), add(file, tags("a")));
  });

  it("lose a claim but not their entry when others claim an entry that was edited", () => {
    const edited = add(file, tags("a"), tags("b")).replace("autogroup:admin", "group:hand");
    const left = remove(edited, tags("a"));
    assert.equal(left, edited.replace(/.*shop\/a\/tags.*\n/, ""));
    assert.equal(remove(left, tags("b")), left.replace(/.*shop\/b\/tags.*\n/, ""));
    assert.equal(removeFragment(left, tags("b"), { force: true }), file);
    assert.deepEqual(ownersOf(add(edited, tags("c"))), { "tag:relay": ["group:hand"] });
  });

  it("are claimed in the same update that drops the entry above", () => {
    const old = add(file, tags("b"), tags("a", { "tag:old": [] }));
    assert.equal(add(old, tags("a")), add(file, tags("b"), tags("a")));
  });

  it("stay for an entry and a grant that come in the same update", () => {
    const old = add(file, tags("a", { "tag:old": [], "tag:used": [] }));
    const [grant] = grants("a").grants;
    const now = {
      ...tags("a", { "tag:new": ["tag:old"] }),
      grants: grant ? [{ ...grant, src: ["tag:used"] }] : [],
    };
    const updated = add(old, now);
    assert.deepEqual(ownersOf(updated), { "tag:new": ["tag:old"], "tag:old": [], "tag:used": [] });
    assert.equal(remove(updated, now), file);
  });
});
