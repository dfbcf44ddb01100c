import assert from "node:assert/strict";
import { FILES } from "../../../lab/bench/policy/files";
import { EDITS, edits } from "../../../lab/bench/policy/measure";
import { readHujson } from "../policy/support/hujson";

describe("The benchmark's policy files", () => {
  for (const { name, grants, make } of FILES.filter((file) => file.grants < 2000)) {
    it(`are edited by each of ${EDITS.join(", ")}: ${grants || ""} ${name}`, () => {
      const text = make();
      const added = edits.add(text);
      assert.equal(edits.remove(added), text);
      assert.equal(new Set([text, added, edits.change(added)]).size, 3);
      if (grants > 0) assert.equal((readHujson(text) as { grants: unknown[] }).grants.length, grants);
    });
  }
});
