import assert from "node:assert/strict";
import { parseOptions } from "../../../lab/bench/options";

describe("The benchmark's options", () => {
  it("ask for everything, three times, by default", () => {
    const { help, parts, repeats } = parseOptions([]);
    assert.deepEqual(
      { help, parts, repeats },
      { help: false, parts: ["paths", "tunings", "start", "fallback"], repeats: 3 },
    );
  });

  it("choose parts by name, in the order in which they are measured", () => {
    assert.deepEqual(parseOptions(["fallback", "paths"]).parts, ["paths", "fallback"]);
  });

  it("make it short", () => {
    const [quick, full] = [parseOptions(["--quick", "start"]), parseOptions(["start"])];
    assert.deepEqual([quick.parts, quick.repeats], [["start"], 1]);
    assert.ok(quick.seconds < full.seconds && quick.pings < full.pings);
  });

  it("are refused with all words that are none, and with what there is", () => {
    assert.throws(
      () => parseOptions(["paths", "toString", "--fast"]),
      /^Error: no such part or option: toString, --fast\nusage: [^]*tunings/,
    );
  });
});
