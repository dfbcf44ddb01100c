import type { Links } from "./links";
import type { TuningSample } from "./measure-tunings";
import { PATHS, type PathFigures } from "./paths";
import type { Results } from "./results";
import { compare, summarize, type Verdict } from "./stats";
import { figure, ratio, share, spread, table } from "./table";
import type { Split } from "./timeline";

const REFERENCE = "peer relay";

/** The tables, one below the other: medians, in brackets what the repeats lie between, and ratios of medians. */
export function report(results: Results): string[] {
  const sections = [
    pathSection(results),
    tuningSection(results),
    startSection(results),
    fallBackSection(results),
  ];
  return sections.filter((section) => section.length > 0).flatMap((section) => ["", ...section]);
}

function pathSection({ paths }: Results): string[] {
  if (paths.length === 0) return [];
  const column = (path: string, key: keyof PathFigures) =>
    paths.filter((sample) => sample.path === path).flatMap(({ figures }) => figures[key] ?? []);
  const rows = PATHS.map((path) => [
    path === "kernel forward" ? "kernel forward (the limit)" : path,
    spread(column(path, "tcpMbits")),
    ratio(column(path, "tcpMbits"), column(REFERENCE, "tcpMbits")),
    spread(column(path, "udpMbits")),
    ratio(column(path, "udpMbits"), column(REFERENCE, "udpMbits")),
    spread(column(path, "udpLostPercent")),
    spread(column(path, "latencyMs")),
    ratio(column(path, "latencyMs"), column(REFERENCE, "latencyMs")),
    spread(column(path, "relayCpu")),
  ]);
  const head = ["path", "TCP Mbit/s", "to relay", "UDP Mbit/s", "to relay", "lost at 100 Mbit/s, %"];
  return table([...head, "ping ms", "to relay", "relay CPU s/Gbit"], rows);
}

function tuningSection({ tunings, machine }: Results): string[] {
  if (!tunings) return [];
  const { samples, leftOut } = tunings;
  const rows = groups(samples).map((group) => {
    const { off, on } = halves(group);
    const { throughput, cpu } = verdictsOf(group, samples);
    return [
      `${group[0]!.tuning}, ${group[0]!.links}`,
      ...[spread(off.mbits), spread(on.mbits), ratio(on.mbits, off.mbits), throughput],
      ...[spread(off.cpu), spread(on.cpu), ratio(on.cpu, off.cpu), cpu],
    ];
  });
  const head = ["tuning of the relay's host, links", "off Mbit/s", "on Mbit/s", "on/off", "throughput"];
  const lines = table([...head, "off CPU s/Gbit", "on CPU s/Gbit", "on/off", "CPU"], rows);
  return [
    ...lines,
    "",
    ...unchangedNote(samples),
    ...conclusions(samples),
    ...leftOut,
    ...bufferNote(machine),
  ];
}

/** The samples of one tuning with one kind of links each. */
function groups(samples: TuningSample[]): TuningSample[][] {
  const byName = new Map<string, TuningSample[]>();
  for (const sample of samples) {
    const name = `${sample.tuning}, ${sample.links}`;
    byName.set(name, [...(byName.get(name) ?? []), sample]);
  }
  return [...byName.values()];
}

/** What the relay did in this run as the bootstrap leaves it: the control on, everything else off. */
function unchangedOf(samples: TuningSample[], links: Links): TuningSample[] {
  return samples.filter((sample) => sample.links === links && sample.on === sample.control);
}

/** How much the run itself varies, which is what a tuning has to show against. */
function unchangedNote(samples: TuningSample[]): string[] {
  const kinds = [...new Set(samples.map(({ links }) => links))];
  const ranges = kinds.map((links) => {
    const { median, min, max } = summarize(unchangedOf(samples, links).map(({ mbits }) => mbits));
    return `${links} ${figure(median)} (${figure(min)}-${figure(max)})`;
  });
  return [`The relay as it is, over all of this table, in Mbit/s: ${ranges.join(", ")}.`];
}

/** Why the buffer limits can hardly matter, whatever the figures are. */
function bufferNote({ relayBuffer, bufferLimit }: Results["machine"]): string[] {
  if (relayBuffer === undefined || bufferLimit === undefined) return [];
  const [has, limit] = [relayBuffer / 2, bufferLimit].map((bytes) => (bytes / 2 ** 20).toFixed(1));
  return [`The relay's sockets had buffers of ${has} MiB, with rmem_max at ${limit} MiB.`];
}

function halves(samples: TuningSample[]) {
  const pick = (on: boolean) => samples.filter((sample) => sample.on === on);
  const figures = (some: TuningSample[]) => ({
    mbits: some.map(({ mbits }) => mbits),
    cpu: some.map(({ relayCpu }) => relayCpu),
  });
  return { off: figures(pick(false)), on: figures(pick(true)) };
}

const SENTENCES: Record<Exclude<Verdict, "too few repeats">, string> = {
  pays: "pays; a candidate for the bootstrap",
  costs: "costs; the bootstrap leaves it out",
  "no difference": "shows no gain; the bootstrap leaves it out",
};

/** What the figures say about each tuning, in a sentence. Where the control makes no difference, they say nothing. */
export function conclusions(samples: TuningSample[]): string[] {
  const names = [...new Set(samples.map(({ tuning }) => tuning))];
  const of = (name: string) => groups(samples.filter(({ tuning }) => tuning === name));
  const isControl = (name: string) => samples.some(({ tuning, control }) => tuning === name && control);
  const blind = names.find((name) => isControl(name) && overall(of(name), samples) !== "pays");
  return names
    .filter((name) => !isControl(name))
    .map((name) => {
      const verdict = overall(of(name), samples);
      if (verdict === "too few repeats") return `${name}: too few repeats to tell.`;
      if (blind !== undefined) return `${name}: not decided, as ${blind} made no difference either.`;
      return `${name}: ${SENTENCES[verdict]}.`;
    });
}

/** Of one tuning with one kind of links, against its own pairs and against the rest of the run. */
function verdictsOf(group: TuningSample[], samples: TuningSample[]): { throughput: Verdict; cpu: Verdict } {
  const { off, on } = halves(group);
  // The control is what the unchanged relay has on, so there is nothing else without it.
  const others = group[0]!.control ? [] : unchangedOf(samples, group[0]!.links);
  const mbits = others.map((sample) => sample.mbits);
  const cpu = others.map((sample) => sample.relayCpu);
  return {
    throughput: compare(off.mbits, on.mbits, "higher", mbits),
    cpu: compare(off.cpu, on.cpu, "lower", cpu),
  };
}

/** Over all links and both figures: better somewhere and worse nowhere. */
function overall(ofTuning: TuningSample[][], samples: TuningSample[]): Verdict {
  const verdicts = ofTuning.flatMap((group) => Object.values(verdictsOf(group, samples)));
  const order: Verdict[] = ["too few repeats", "costs", "pays", "no difference"];
  return order.find((verdict) => verdicts.includes(verdict)) ?? "no difference";
}

const STEPS: [keyof Split, string][] = [
  ["api", "engine and API, until the instance is switched on"],
  ["boot", "boot, until cloud-init starts the bootstrap"],
  ["install", "install"],
  ["join", "firewall, tailscaled, join, relay port"],
  ["firstPing", "first ping over the relay"],
  ["total", "all of it"],
  ["upReturned", "(`pulumi up` is done)"],
];

function startSection({ starts }: Results): string[] {
  if (starts.length === 0) return [];
  const of = (key: keyof Split) => starts.map((split) => split[key]);
  const rows = STEPS.map(([key, what]) => [what, spread(of(key)), share(of(key), of("total"))]);
  return table(["from `pulumi up` to the first packet", "s", "of all"], rows);
}

function fallBackSection({ fallBacks }: Results): string[] {
  if (fallBacks.length === 0) return [];
  const rows = [
    ["TCP stream of 20 Mbit/s", spread(fallBacks.map(({ tcp }) => tcp))],
    ["ping, 20 a second", spread(fallBacks.map(({ ping }) => ping))],
  ];
  return table(["the relay's machine dies: silence until traffic flows over DERP", "s"], rows);
}
