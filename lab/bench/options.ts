/** What can be measured, by name. */
export const PARTS = {
  paths: "throughput and latency of kernel forward, direct, peer relay and DERP; the relay's CPU per Gbit",
  tunings: "what people tune on a relay's host, each on and off",
  start: "time from `pulumi up` to the first packet over the relay",
  fallback: "time until traffic flows again when the relay's machine dies",
} as const;

export type Part = keyof typeof PARTS;

/** What one run does. */
export interface Options {
  help: boolean;
  parts: Part[];
  repeats: number;
  /** Of one throughput figure. */
  seconds: number;
  /** Of one latency figure. */
  pings: number;
}

const FULL = { repeats: 3, seconds: 3, pings: 100 };
const QUICK = { repeats: 1, seconds: 1, pings: 50 };

export const USAGE = [
  "usage: npm run bench -- [--quick] [part...]      default: all parts, three repeats",
  "  --quick   one short repeat, for trying it out",
  ...Object.entries(PARTS).map(([name, what]) => `  ${name.padEnd(9)} ${what}`),
  "       npm run bench policy      time and memory of a merge into large policy files, on any machine",
].join("\n");

const isPart = (word: string): word is Part => Object.hasOwn(PARTS, word);

/** @throws with all words that are neither a part nor an option */
export function parseOptions(argv: string[]): Options {
  const flags = ["--quick", "--help", "-h"];
  const wrong = argv.filter((word) => !isPart(word) && !flags.includes(word));
  if (wrong.length > 0) throw new Error(`no such part or option: ${wrong.join(", ")}\n${USAGE}`);
  const named = (Object.keys(PARTS) as Part[]).filter((part) => argv.includes(part));
  return {
    help: argv.includes("--help") || argv.includes("-h"),
    parts: named.length > 0 ? named : (Object.keys(PARTS) as Part[]),
    ...(argv.includes("--quick") ? QUICK : FULL),
  };
}
