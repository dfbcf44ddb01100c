import assert from "node:assert/strict";
import crypto from "node:crypto";
import { mock } from "node:test";
import { addFragment, type PolicyFragment, removeFragment } from "../../../components/policy";

function fragment(owner: string, client = "*"): PolicyFragment {
  return { owner, grants: [{ src: [client], dst: ["tag:relay"], ip: ["*"] }], tagOwners: {} };
}

/** A file with a grant of each of so many stacks. */
function fileOf(stacks: number): string {
  const one = addFragment('{"grants": [\n]}', fragment("shop/NAME"));
  const span = one.slice(one.indexOf("[") + 1, one.lastIndexOf("\n]"));
  return `{"grants": [${Array.from({ length: stacks }, (_, i) => span.replace("NAME", String(i))).join("")}\n]}`;
}

/** How many digests an edit makes, which is most of its work where the grants are ours. */
function digests(edit: () => string): number {
  const hash = mock.method(crypto, "createHash");
  try {
    edit();
    return hash.mock.callCount();
  } finally {
    hash.mock.restore();
  }
}

describe("an edit of a policy file", () => {
  const mine = fragment("shop/mine");
  const edits: [string, (text: string) => string][] = [
    ["add", (text) => addFragment(text, mine)],
    ["change", (text) => addFragment(addFragment(text, mine), fragment("shop/mine", "tag:a"))],
    ["remove", (text) => removeFragment(addFragment(text, mine), mine)],
  ];
  for (const [name, edit] of edits) {
    it(`reads the value of each grant of ours in it once: ${name}`, () => {
      const [few, many] = [fileOf(100), fileOf(300)].map((text) => digests(() => edit(text)));
      const passes = name === "add" ? 1 : 2;
      assert.equal((many ?? 0) - (few ?? 0), passes * 200);
    });
  }
});
