import assert from "node:assert/strict";
import { addFragment, fragmentStatus, removeFragment } from "../../../components/policy";
import { validFiles } from "./support/corpus";
import { fragment, other } from "./support/relay";
import { SecondOpinion } from "./support/second-opinion";

/** As Tailscale's admin console, or somebody with `hujsonfmt`, does it to the file as a whole. */
describe("a file that was formatted while our part was in it", () => {
  let tailscale: SecondOpinion | undefined;

  before(() => {
    tailscale = SecondOpinion.start("format");
  });
  after(() => tailscale?.close());

  it("still has it in full, and without it is the file that it would have been", async function () {
    if (!tailscale) return this.skip();
    for (const { name, text } of validFiles()) {
      // A byte order mark is nothing for Tailscale's parser.
      const file = text.replace(/^\uFEFF/, "");
      const merged = await tailscale.formatted(addFragment(addFragment(file, other, keep), fragment, keep));
      assert.equal(fragmentStatus(merged, fragment), "present", name);
      assert.equal(addFragment(merged, fragment, keep), merged, name);
      const left = removeFragment(removeFragment(merged, other), fragment);
      assert.equal(essence(left), essence(await tailscale.formatted(file)), name);
    }
  });
});

const keep = { keepAllowAll: true };

/** All but white space and commas: plain JSON gets a comma behind each last value as soon as it has a comment. */
const essence = (text: string): string => text.replace(/[\s,]+/g, "");
