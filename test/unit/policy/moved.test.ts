import assert from "node:assert/strict";
import { addFragment, fragmentStatus, removeFragment } from "../../../components/policy";
import { fragment } from "./support/relay";

const file = `{
	"grants": [
		// everybody
		{"src": ["*"], "dst": ["10.0.0.1"], "ip": ["*"]}, // for now
		// second
		{"src": ["group:a"], "dst": ["10.0.0.2"], "ip": ["22"]},
	],
	"tagOwners": {
		"tag:db": ["group:a"],
	},
}
`;
const lines = addFragment(file, fragment).split("\n");

/** The file with `count` lines from the one that holds `text` on, `by` lines further down. */
function moved(text: string, count: number, by: number): string {
  const from = lines.findIndex((line) => line.includes(text));
  const rest = lines.filter((_, i) => i < from || i >= from + count);
  return [...rest.slice(0, from + by), ...lines.slice(from, from + count), ...rest.slice(from + by)].join(
    "\n",
  );
}

/** What somebody moved, and how far. The markers are numbered, each one line above its grant. */
const MOVES: Record<string, [string, number, number]> = {
  "a grant with its marker, behind those of others": ["grant#1", 2, 4],
  "a grant without its marker, behind those of others": ['"app"', 1, 6],
  "a marker to below its grant": ["grant#1", 1, 1],
  "a marker to above a rule of somebody else": ["grant#1", 1, 4],
  "a marker to the end": ["grant#2", 1, 5],
};

describe("our part of the file, moved by hand:", () => {
  for (const [name, [text, count, by]] of Object.entries(MOVES)) {
    it(`${name}: is still ours, and nobody else's rule goes with it, also by force`, () => {
      const edited = moved(text, count, by);
      assert.notEqual(edited, lines.join("\n"));
      assert.equal(fragmentStatus(edited, fragment), "present");
      assert.equal(addFragment(edited, fragment), edited);
      assert.equal(addFragment(edited, fragment, { force: true }), edited);
      assert.equal(removeFragment(edited, fragment), file);
      assert.equal(removeFragment(edited, fragment, { force: true }), file);
    });
  }

  it("a marker that came to the tag owners of somebody else stops an update, and takes nothing of theirs along", () => {
    const edited = moved("tag-owner", 1, 1);
    const left = file.replace('"tagOwners": {\n', '"tagOwners": {\n\t\t"tag:relay": ["autogroup:admin"],\n');
    assert.throws(() => addFragment(edited, fragment), { code: "hand-edited" });
    assert.equal(removeFragment(edited, fragment), left);
    assert.equal(removeFragment(edited, fragment, { force: true }), left);
  });

  it("a marker beside a second one that has its grant means nothing: an unmarked twin stays somebody's own", () => {
    const marker = lines.find((line) => line.includes("grant#1"));
    const twin = lines.find((line) => line.includes('"app"'));
    const edited = lines.join("\n").replace("\t\t// second", `${twin}\n\t\t// second`);
    const doubled = edited.replace("\t],", `${marker}\n\t],`);
    const left = removeFragment(doubled, fragment);
    assert.deepEqual([left.split(twin!).length - 1, left.includes("grant#")], [1, false]);
  });
});
