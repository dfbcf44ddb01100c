import assert from "node:assert/strict";
import fc from "fast-check";
import { compare, summarize } from "../../../lab/bench/stats";

describe("The sum of a few repeats", () => {
  it("is their median, their lowest and their highest", () => {
    assert.deepEqual(
      [[1115, 1145, 1135], [7], [9, 100, 8, 10]].map((values) => summarize(values)),
      [
        { median: 1135, min: 1115, max: 1145 },
        { median: 7, min: 7, max: 7 },
        { median: 9.5, min: 8, max: 100 },
      ],
    );
  });

  it("has as many repeats above the median as below it, and does not depend on their order", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 9 }), (values) => {
        const sum = summarize(values);
        const above = values.filter((value) => value > sum.median).length;
        const below = values.filter((value) => value < sum.median).length;
        assert.ok(above <= values.length / 2 && below <= values.length / 2);
        assert.deepEqual(summarize([...values].reverse()), sum);
      }),
    );
  });

  it("is refused where something was not measured", () => {
    assert.throws(() => summarize([]), /no figures to sum up/);
    assert.throws(() => summarize([1, NaN]), /NaN is no figure/);
  });
});

describe("A change", () => {
  const verdicts = (without: number[], with_: number[]) => [
    compare(without, with_, "higher"),
    compare(without, with_, "lower"),
  ];

  it("pays or costs when its worst repeat is more than a tenth better than the best one without it", () => {
    assert.deepEqual(verdicts([100, 90, 95], [112, 130, 111]), ["pays", "costs"]);
    assert.deepEqual(verdicts([112, 130, 111], [100, 90, 95]), ["costs", "pays"]);
  });

  it("makes no difference when the repeats overlap, or lie closer together than that", () => {
    assert.deepEqual(verdicts([100, 90, 95], [99, 200, 200]), ["no difference", "no difference"]);
    assert.deepEqual(verdicts([100, 100, 100], [109, 109, 109]), ["no difference", "no difference"]);
    assert.deepEqual(verdicts([109, 109, 109], [100, 100, 100]), ["no difference", "no difference"]);
  });

  it("makes no difference when something else of the run was as good without it", () => {
    const judge = (unchanged: number[]) => [
      compare([639, 459, 671], [869, 761, 1093], "higher", unchanged),
      compare([869, 761, 1093], [639, 459, 671], "higher", unchanged),
    ];
    assert.deepEqual(judge([700, 690]), ["pays", "costs"]);
    assert.deepEqual(judge([906]), ["no difference", "costs"]);
    assert.deepEqual(judge([700, 381]), ["pays", "no difference"]);
  });

  it("is not judged by fewer than three repeats", () => {
    assert.deepEqual(verdicts([1, 1, 1], [100, 100]), ["too few repeats", "too few repeats"]);
  });
});
