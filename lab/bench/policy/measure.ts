import { readFileSync } from "node:fs";
import { addFragment, removeFragment } from "../../../components/policy";
import { fragmentOf } from "./files";

/*
 * One edit of one file, in a process of its own, so that the peak of its memory is that edit's.
 * usage: measure.ts <edit> with the file as standard input; prints what it measured as JSON
 */

export const EDITS = ["add", "change", "remove"] as const;
export type Edit = (typeof EDITS)[number];

export interface Measured {
  /** CPU time of each repeat: on a machine that others use too, it varies less than the clock's. */
  milliseconds: number[];
  /** What the first of them added to the process's memory at its peak. */
  mebibytes: number;
}

const REPEATS = 5;
const [fragment, changed] = [fragmentOf("shop/bench/relay"), fragmentOf("shop/bench/relay", "tag:phone")];

/** `change` and `remove` are for a file that has been through `add`. */
export const edits: Record<Edit, (text: string) => string> = {
  add: (text) => addFragment(text, fragment),
  change: (text) => addFragment(text, changed),
  remove: (text) => removeFragment(text, fragment),
};

function measure(text: string, edit: Edit): Measured {
  const before = process.memoryUsage().rss;
  const milliseconds = [once(text, edit)];
  const mebibytes = process.resourceUsage().maxRSS / 1024 - before / 1024 ** 2;
  while (milliseconds.length < REPEATS) milliseconds.push(once(text, edit));
  return { milliseconds, mebibytes };
}

function once(text: string, edit: Edit): number {
  const start = process.cpuUsage();
  edits[edit](text);
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

if (require.main === module) {
  const edit = EDITS.find((name) => name === process.argv[2]);
  if (!edit) throw new Error(`no such edit: ${process.argv[2]}, only ${EDITS.join(", ")}`);
  console.log(JSON.stringify(measure(readFileSync(0, "utf8"), edit)));
}
