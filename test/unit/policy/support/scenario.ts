import assert from "node:assert/strict";
import fc from "fast-check";
import {
  addFragment,
  type EditOptions,
  fragmentStatus,
  type Grant,
  type PolicyFragment,
  PolicyError,
  removeFragment,
} from "../../../../components/policy";
import { editByHand, humanEdit, type HumanEdit } from "./human";
import { cutSpans, marks, readHujson } from "./hujson";
import {
  afterHumans,
  describeMark,
  emptyModel,
  expected,
  isAmbiguous,
  marksOf,
  type Model,
  sorted,
  valueOf,
  type Wish,
} from "./model";
import { policyText } from "./policies";

/** A file, what owners and people do with it one after the other, and in which order the owners leave. */
export interface Scenario {
  file: string;
  steps: (Wish | HumanEdit)[];
  leave: string[];
}

const owners = ["shop/a", "shop/b", "acme/日本/c"];

const selectors = fc.subarray(["tag:a", "tag:relay", "group:eu", "100.64.0.1", "*"], { minLength: 1 });
const app = fc.constant<Grant["app"]>({ "x.com/y": [{ a: [1] }] });
const ip = fc.constantFrom<string[]>(["*"], ["tcp:1-2", "udp:53"]);
// As JSON.parse makes them, so that they can be compared with what it makes.
const plain = { noNullPrototype: true };
const grant: fc.Arbitrary<Grant> = fc.oneof(
  fc.record({ src: selectors, dst: selectors, app }, plain),
  fc.record({ src: selectors, dst: selectors, ip }, plain),
);
const tagOwners = fc.dictionary(fc.constantFrom("tag:a", "tag:relay", "tag:b", "tag:c"), selectors, {
  maxKeys: 3,
  ...plain,
});
const fragment: fc.Arbitrary<PolicyFragment> = fc.record({
  owner: fc.constantFrom(...owners),
  grants: fc.array(grant, { maxLength: 3 }),
  tagOwners,
});
const wish: fc.Arbitrary<Wish> = fc.record({
  fragment,
  isRemoval: fc.oneof(
    { weight: 3, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
  keepAllowAll: fc.boolean(),
});

export const scenario: fc.Arbitrary<Scenario> = fc.record({
  file: policyText,
  steps: fc.array(fc.oneof({ weight: 3, arbitrary: wish }, { weight: 2, arbitrary: humanEdit }), {
    maxLength: 12,
    size: "max",
  }),
  leave: fc.shuffledSubarray(owners, { minLength: owners.length }),
});

/** What happened in scenarios, to be told at the end. */
export interface Tally {
  scenarios: number;
  edits: number;
  refusals: Record<string, number>;
  byHand: number;
}

export function newTally(): Tally {
  return { scenarios: 0, edits: 0, refusals: {}, byHand: 0 };
}

/**
 * Plays a scenario, and holds the file against the model after every step.
 *
 * @param see gets every text that the merge made
 */
export function play(
  { file, steps, leave }: Scenario,
  tally: Tally,
  see: (text: string) => void = () => {},
): void {
  tally.scenarios++;
  let [text, model] = [file, emptyModel(file)];
  const leaving = leave.map((owner) => ({
    ...{ fragment: { owner, grants: [], tagOwners: {} }, isRemoval: true, keepAllowAll: false },
  }));
  for (const step of [...steps, ...leaving]) {
    if ("kind" in step) {
      const edited = editByHand(text, step);
      tally.byHand += edited === text ? 0 : 1;
      [text, model] = [edited, afterHumans(model, edited)];
    } else {
      [text, model] = edit(text, model, step, tally);
      see(text);
    }
  }
  // Nobody is left who was let go; what stays of ours is what others' text still asks for.
  if (marksOf(model).length === 0 && !model.isKeptOpen && !isAmbiguous(text) && !/ section - /.test(text)) {
    assert.equal(text, model.foreign);
  }
}

function edit(text: string, model: Model, step: Wish, tally: Tally): [string, Model] {
  // A removal goes by what was written last, as a stack's state does.
  const { owner } = step.fragment;
  const written = { owner, grants: model.grants.get(owner) ?? [], tagOwners: {} };
  const wish = step.isRemoval ? { ...step, fragment: written } : step;
  const next = expected(model, text, wish);
  const run = (from: string): string => apply(from, wish);
  if (typeof next === "string") {
    tally.refusals[next] = (tally.refusals[next] ?? 0) + 1;
    assert.throws(
      () => run(text),
      (error) => error instanceof PolicyError && error.code === next,
    );
    return [text, model];
  }
  tally.edits++;
  const result = run(text);
  check(result, next);
  assert.equal(run(result), result, "done twice");
  if (!wish.isRemoval) {
    assert.equal(fragmentStatus(result, wish.fragment), "present");
    checkBackAndForth(text, result, wish, next);
  }
  return [result, next];
}

function apply(text: string, { fragment: part, isRemoval, keepAllowAll }: Wish): string {
  const options: EditOptions = { keepAllowAll };
  return isRemoval ? removeFragment(text, part, options) : addFragment(text, part, options);
}

/** Others' bytes, our marks and the values behind them, and the value of the whole. */
function check(text: string, model: Model): void {
  assert.equal(cutSpans(text), model.foreign, "others' bytes");
  const found = marks(text).filter(({ what }) => what !== "section" && what !== "allow-all");
  assert.deepEqual(
    found.map(({ owner, what, value }) => describeMark(owner, what, value)).sort(),
    marksOf(model),
    "our marks",
  );
  const isOpen = marks(text).some(({ what }) => what === "allow-all");
  assert.equal(isOpen, model.isKeptOpen, "our grant that keeps the file open");
  assert.deepEqual(valueIn(text, model), valueOf(model), "the value");
}

/** Without a list of ours that people emptied: it stays where its end would open the file. */
function valueIn(text: string, { foreign }: Model): unknown {
  const value = readHujson(text) as Record<string, unknown>;
  const theirs = readHujson(foreign) as object;
  const isLeftOver = Array.isArray(value.grants) && value.grants.length === 0 && !("grants" in theirs);
  return sorted(isLeftOver ? { ...value, grants: undefined } : value);
}

/** An owner who comes and goes leaves no trace, unless the model has something that goes or changes hands with that. */
function checkBackAndForth(before: string, after: string, wish: Wish, next: Model): void {
  const { owner } = wish.fragment;
  const hadSome = marks(before).some((mark) => mark.owner === owner || mark.owner === "*");
  const back = { ...wish, isRemoval: true };
  const left = expected(next, after, back);
  if (
    hadSome ||
    typeof left === "string" ||
    [...left.tagOwners.values()].some(({ claims }) => claims.has("*"))
  ) {
    return;
  }
  assert.equal(apply(after, back), before, "come and gone");
}
