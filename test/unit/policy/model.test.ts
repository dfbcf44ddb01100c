import fc from "fast-check";
import { newTally, play, scenario } from "./support/scenario";

/** A longer hunt: PEER_RELAY_PROPERTY_RUNS=100000, each time from another seed. */
const runs = process.env.PEER_RELAY_PROPERTY_RUNS;

describe("any policy file, under any edits of three owners and of people in between", function () {
  this.timeout(runs === undefined ? 300_000 : 0);

  it("is after each step what the model says, in its bytes, our marks and its value", () => {
    const tally = newTally();
    const parameters = runs === undefined ? { numRuns: 300, seed: 20261125 } : { numRuns: Number(runs) };
    fc.assert(
      fc.property(scenario, (any) => play(any, tally)),
      parameters,
    );
    const refused = Object.entries(tally.refusals).map(([code, count]) => `${count} ${code}`);
    console.log(
      `    ${tally.scenarios} sequences: ${tally.edits} edits of owners, ${tally.byHand} by hand, refused: ${refused.join(", ")}`,
    );
  });
});
