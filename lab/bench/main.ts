import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { loadavg, cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import { whyNoHosts } from "../hosts";
import { bold, dim, red, say, step } from "../demo/screen";
import { measureFallBack } from "./fall-back";
import { bufferLimit, congestionControl } from "./machine-settings";
import { measureTunings } from "./measure-tunings";
import { parseOptions, USAGE, type Options } from "./options";
import { measurePath, PATHS } from "./paths";
import { report } from "./report";
import type { Results } from "./results";
import type { Scene } from "./scene";
import { timedUp } from "./start-up";
import { Traffic } from "./traffic";
import { World } from "./world";

/*
 * The benchmark: one stack brought up by the real engine with a really booted relay, three times, with real traffic of
 * devices behind NATs. Runs inside `lab/internet/enter.sh`; scripts/bench prepares all that it needs.
 */

/** Where the figures are left, outside of the lab's own directory, which goes at the end. */
const DIRECTORY = process.env.PEER_RELAY_BENCH_DIR ?? mkdtempSync(join(tmpdir(), "peer-relay-bench-"));

async function run(world: World, options: Options, results: Results): Promise<void> {
  const traffic = new Traffic(world.lab.dir);
  const wants = (part: Options["parts"][number]) => options.parts.includes(part);
  const ups = wants("start") || wants("fallback") ? options.repeats : 1;
  for (let number = 1; number <= ups; number++) {
    step(`pulumi up, ${number} of ${ups}`);
    const { relay, split } = await timedUp(world);
    say(`  first ping over the relay after ${split.total.toFixed(1)} s`);
    if (wants("start")) results.starts.push(split);
    const scene = { world, relay, traffic, effort: options };
    if (number === 1) await measureRelay(scene, options, results);
    if (wants("fallback")) {
      step("The relay's machine dies");
      const silence = await measureFallBack(scene);
      results.fallBacks.push(silence);
      say(`  silence: TCP ${silence.tcp.toFixed(1)} s, ping ${silence.ping.toFixed(1)} s`);
    }
    if (number < ups) {
      step("pulumi destroy");
      await world.pulumi("destroy");
    }
  }
}

/** What one relay, once it is there, is measured for. */
async function measureRelay(scene: Scene, options: Options, results: Results): Promise<void> {
  results.machine.relayBuffer = await scene.relay.buffer();
  results.machine.bufferLimit = bufferLimit();
  for (let repeat = 1; options.parts.includes("paths") && repeat <= options.repeats; repeat++) {
    step(`Paths, ${repeat} of ${options.repeats}`);
    for (const path of PATHS) {
      const figures = await measurePath(path, scene);
      results.paths.push({ path, figures });
      const { tcpMbits, udpMbits, latencyMs } = figures;
      say(
        `  ${path}: TCP ${tcpMbits.toFixed(0)} Mbit/s, UDP ${udpMbits.toFixed(0)} Mbit/s, ping ${latencyMs.toFixed(2)} ms`,
      );
    }
  }
  if (options.parts.includes("tunings")) {
    step("Tunings of the relay's host");
    results.tunings = { samples: [], leftOut: [] };
    await measureTunings(scene, results.tunings, (line) => say(`  ${line}`));
  }
}

function emptyResults(options: Options): Results {
  return {
    machine: {
      started: new Date().toISOString(),
      cores: cpus().length,
      kernel: release(),
      architecture: process.arch,
      loadBefore: loadavg()[0]!,
      congestionControl: congestionControl(),
    },
    repeats: options.repeats,
    paths: [],
    starts: [],
    fallBacks: [],
  };
}

function show(results: Results): void {
  const file = join(DIRECTORY, "bench.json");
  mkdirSync(DIRECTORY, { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, undefined, 2)}\n`);
  const { machine, repeats } = results;
  step(`${repeats} repeat${repeats === 1 ? "" : "s"}: medians (lowest-highest), and ratios of medians`);
  say(
    dim(
      `  ${machine.cores} cores, ${machine.architecture}, Linux ${machine.kernel}, TCP with ${machine.congestionControl}; load before: ${machine.loadBefore.toFixed(1)}, now: ${loadavg()[0]!.toFixed(1)}`,
    ),
  );
  if (machine.loadBefore > machine.cores / 4)
    say(
      red(
        "  Others were using this machine: compare within a table only, and trust small differences least.",
      ),
    );
  for (const line of report(results)) say(line && `  ${line}`);
  say(`\n  Every figure: ${file}`);
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) return say(USAGE);
  const problem = whyNoHosts();
  if (problem) throw new Error(`the benchmark cannot run here: ${problem}`);
  const results = emptyResults(options);
  step(`The lab, with five devices (${bold(options.parts.join(", "))})`);
  const world = await World.start();
  const end = (signal: NodeJS.Signals) => {
    void world.lab.close().finally(() => process.exit(signal === "SIGINT" ? 130 : 143));
  };
  process.once("SIGINT", end);
  process.once("SIGTERM", end);
  try {
    await run(world, options, results);
  } catch (error) {
    say(red("  It did not come to its end; what follows was measured before that."));
    show(results);
    throw error;
  } finally {
    await world.lab.close();
  }
  show(results);
}

main().catch((error: Error) => {
  say(red(error.message));
  process.exitCode = 1;
});
