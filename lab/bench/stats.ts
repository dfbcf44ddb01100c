/** What a few repeats of one figure say. */
export interface Summary {
  median: number;
  min: number;
  max: number;
}

/** @throws when there is nothing, or something that is no number, to sum up */
export function summarize(values: number[]): Summary {
  if (values.length === 0) throw new Error("no figures to sum up");
  const bad = values.find((value) => !Number.isFinite(value));
  if (bad !== undefined) throw new Error(`${bad} is no figure`);
  const sorted = [...values].sort((a, b) => a - b);
  return { median: median(sorted), min: sorted[0]!, max: sorted.at(-1)! };
}

function median(sorted: number[]): number {
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle]!;
  return sorted.length % 2 === 1 ? upper : (sorted[middle - 1]! + upper) / 2;
}

/** Whether a change made things better, and by more than the repeats differ among themselves. */
export type Verdict = "pays" | "costs" | "no difference" | "too few repeats";

/** Fewer repeats than this decide nothing: two pairs of figures fall apart by chance too often. */
const REPEATS_MINIMUM = 3;
/** What lies between the repeats with a change and those without it; less is what a busy machine makes up by itself. */
const GAP = 1.1;

/**
 * Compares a figure without and with a change. It pays when the worst with it is better than the best without it, by more
 * than 10 %, and better than everything else that was measured without it in the same run; it costs when it is the other
 * way round. Pairs alone do not do: on a busy machine three of them fell apart by a third, once in each direction.
 * @param unchanged further figures of the same run without the change
 */
export function compare(
  without: number[],
  with_: number[],
  better: "higher" | "lower",
  unchanged: number[] = [],
): Verdict {
  if (Math.min(without.length, with_.length) < REPEATS_MINIMUM) return "too few repeats";
  const [off, on, all] = [summarize(without), summarize(with_), summarize([...without, ...unchanged])];
  if (on.min > off.max * GAP && on.min > all.max) return better === "higher" ? "pays" : "costs";
  if (on.max * GAP < off.min && on.max < all.min) return better === "higher" ? "costs" : "pays";
  return "no difference";
}
