import assert from "node:assert/strict";
import { figure, ratio, share, spread, table } from "../../../lab/bench/table";

describe("The benchmark's table", () => {
  it("has its first column to the left and the others to the right", () => {
    assert.deepEqual(
      table(
        ["path", "TCP", "ratio"],
        [
          ["peer relay", "1135 (1115-1145)", "1.00x"],
          ["DERP", "97", "0.09x"],
        ],
      ),
      [
        "path                     TCP  ratio",
        "----------  ----------------  -----",
        "peer relay  1135 (1115-1145)  1.00x",
        "DERP                      97  0.09x",
      ],
    );
  });

  it("takes no row that does not fit", () => {
    assert.throws(() => table(["a", "b"], [["only one"]]), /a row of 1 cells in a table of 2: only one/);
  });

  it("shows figures with about three digits", () => {
    assert.deepEqual([8959.4, 97.04, 1.135, 0.204, 0.0123, 0, -12.34].map(figure), [
      ...["8959", "97.0", "1.14", "0.20", "0.012", "0", "-12.3"],
    ]);
  });

  it("shows a single repeat without a range, and nothing as a dash", () => {
    assert.deepEqual([spread([3, 1, 2]), spread([2]), spread([])], ["2.00 (1.00-3.00)", "2.00", "-"]);
  });

  it("compares medians, not repeats", () => {
    assert.deepEqual(
      [ratio([30, 1, 20], [10, 10, 11]), ratio([], [1]), ratio([1], []), ratio([1], [0])],
      ["2.00x", "-", "-", "-"],
    );
    assert.deepEqual([share([1, 2, 3], [8]), share([], [8]), share([1], [0])], ["25 %", "-", "-"]);
  });
});
