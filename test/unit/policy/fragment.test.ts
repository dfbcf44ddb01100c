import assert from "node:assert/strict";
import { type PolicyFragment, relayPolicyFragment, renderFragment } from "../../../components/policy";
import { addFragment } from "../../../components/policy";
import { readHujson } from "./support/hujson";

const good: PolicyFragment = {
  owner: "shop/prod/relay",
  grants: [{ src: ["tag:srv"], dst: ["tag:relay"], app: { "tailscale.com/cap/relay": [] } }],
  tagOwners: { "tag:relay": ["autogroup:admin"] },
};

describe("a policy fragment", () => {
  it("is the article's method 1, to the letter", () => {
    const fragment = relayPolicyFragment({
      owner: "shop/prod/relay",
      clients: ["*"],
      relay: ["100.64.0.1"],
      ipAccess: ["*"],
      ipAccessTo: ["*"],
    });
    assert.deepEqual(fragment, {
      owner: "shop/prod/relay",
      grants: [
        { src: ["*"], dst: ["100.64.0.1"], app: { "tailscale.com/cap/relay": [] } },
        { src: ["*"], dst: ["*"], ip: ["*"] },
      ],
      tagOwners: {},
    });
  });

  it("is the article's method 2, to the letter", () => {
    const fragment = relayPolicyFragment({
      owner: "shop/prod/relay",
      clients: ["tag:srv"],
      relay: ["tag:relay"],
      ipAccess: ["*"],
      tagOwners: { "tag:relay": ["autogroup:member"], "tag:srv": ["autogroup:member"] },
    });
    assert.deepEqual(fragment, {
      owner: "shop/prod/relay",
      grants: [
        { src: ["tag:srv"], dst: ["tag:relay"], app: { "tailscale.com/cap/relay": [] } },
        { src: ["tag:srv"], dst: ["tag:relay"], ip: ["*"] },
      ],
      tagOwners: { "tag:relay": ["autogroup:member"], "tag:srv": ["autogroup:member"] },
    });
  });

  it("has no grants but keeps its tag owners when the relay is not enabled", () => {
    const args = { owner: good.owner, clients: ["*"], relay: ["tag:relay"], tagOwners: good.tagOwners };
    assert.deepEqual(relayPolicyFragment({ ...args, enabled: false }), {
      owner: good.owner,
      grants: [],
      tagOwners: good.tagOwners,
    });
  });

  it("renders as HuJSON with its markers, for a policy file kept elsewhere", () => {
    const text = renderFragment(good);
    assert.equal(
      text,
      `{
	"tagOwners": {
		// peer-relay: shop/prod/relay tag-owner 864ab19e682d (managed by Pulumi: change it in the stack)
		"tag:relay": ["autogroup:admin"],
	},
	"grants": [
		// peer-relay: shop/prod/relay grant#1 0a9d3bcb4b06 (managed by Pulumi: change it in the stack)
		{"src": ["tag:srv"], "dst": ["tag:relay"], "app": {"tailscale.com/cap/relay": []}},
	],
}
`,
    );
    assert.deepEqual(readHujson(text), { tagOwners: good.tagOwners, grants: good.grants });
    assert.equal(addFragment(text, good), text, "a later merge knows it as its own");
  });

  it("renders as an empty object when there is nothing in it", () => {
    assert.equal(renderFragment({ ...good, grants: [], tagOwners: {} }), "{\n}\n");
  });

  const grant = good.grants[0] ?? assert.fail();
  const bad: [string, unknown, string][] = [
    ["owner", "", "owner must be 1 to 200 visible characters"],
    ["owner", "a b", "owner must be 1 to 200 visible characters"],
    ["owner", "a\nb", "owner must be 1 to 200 visible characters"],
    ["owner", "a\u202eb", "owner must be 1 to 200 visible characters"],
    ["owner", "*", 'not "*"'],
    ["owner", "x".repeat(201), "owner must be 1 to 200 visible characters"],
    ["grants", [{ ...grant, src: [] }], "grants[0].src must be a list with at least one entry, got []"],
    ["grants", [{ ...grant, src: "*" }], 'grants[0].src must be a list with at least one entry, got "*"'],
    [
      "grants",
      [grant, { ...grant, dst: [] }],
      "grants[1].dst must be a list with at least one entry, got []",
    ],
    ["grants", [{ ...grant, src: [""] }], "grants[0].src[0] must be a text without control characters"],
    [
      "grants",
      [{ ...grant, src: ["*", " a"] }],
      "grants[0].src[1] must be a text without control characters",
    ],
    ["grants", [{ ...grant, src: [7] }], "grants[0].src[0] must be a text without control characters"],
    ["grants", [{ ...grant, src: ["a\nb"] }], "grants[0].src[0] must be a text without control characters"],
    ["grants", [{ ...grant, dst: ["tag:"] }], 'grants[0].dst[0] must be "tag:" and a name'],
    ["grants", [{ ...grant, dst: ["tag:1"] }], 'grants[0].dst[0] must be "tag:" and a name'],
    ["grants", [{ ...grant, dst: ["tag:a:443"] }], 'grants[0].dst[0] must be "tag:" and a name'],
    ["grants", [{ src: ["*"], dst: ["*"] }], "grants[0] must have app or ip, or both"],
    ["grants", [{ ...grant, ip: [] }], "grants[0].ip must be a list with at least one entry, got []"],
    ["grants", [{ ...grant, app: {} }], "grants[0].app must name at least one capability"],
    ["grants", [{ ...grant, app: { "a b": [] } }], "grants[0].app must map a capability name to a list"],
    ["grants", [{ ...grant, app: { x: 1 } }], "grants[0].app must map a capability name to a list"],
    ["grants", [{ ...grant, via: ["tag:a"] }], "grants[0].via is not supported"],
    ["tagOwners", { relay: [] }, 'tagOwners key must be "tag:" and a name'],
    ["tagOwners", { "tag:a_b": [] }, 'tagOwners key must be "tag:" and a name'],
    ["tagOwners", { "tag:a": "x" }, 'tagOwners["tag:a"] must be a list'],
    ["tagOwners", { "tag:a": ["tag:-"] }, 'tagOwners["tag:a"][0] must be "tag:" and a name'],
  ];
  for (const [key, value, message] of bad) {
    it(`is refused with ${key} ${JSON.stringify(value).slice(0, 90)}`, () => {
      assert.throws(
        () => addFragment('{"acls": []}', { ...good, [key]: value }),
        (error: Error) =>
          error.name === "PolicyError" && error.message.includes(`\n  `) && error.message.includes(message),
      );
    });
  }

  it("is refused with all of its bad values at once", () => {
    const fragment = { owner: "", grants: [{ src: [], dst: ["tag:"] }], tagOwners: { x: [] } };
    assert.throws(() => renderFragment(fragment), {
      code: "invalid-fragment",
      message: `invalid policy fragment:
  owner must be 1 to 200 visible characters without spaces and not "*", got ""
  grants[0].src must be a list with at least one entry, got []
  grants[0].dst[0] must be "tag:" and a name that starts with a letter and has only letters, digits and dashes, got "tag:"
  grants[0] must have app or ip, or both: it would grant nothing
  tagOwners key must be "tag:" and a name that starts with a letter and has only letters, digits and dashes, got "x"`,
    });
  });
});
