import type { World } from "./world";
import { setLinks, type Links } from "./links";
import { tcpOverTailnet } from "./paths";
import type { Relay } from "./relay";
import type { Traffic } from "./traffic";
import { tunings, type Tuning } from "./tunings";

/** One figure without or with a tuning. */
export interface TuningSample {
  tuning: string;
  control: boolean;
  links: Links;
  on: boolean;
  mbits: number;
  relayCpu: number;
}

export interface TuningFigures {
  samples: TuningSample[];
  /** What could not be measured, and why. */
  leftOut: string[];
}

/** Measures each tuning with the peer relay's TCP. */
export async function measureTunings(
  world: World,
  relay: Relay,
  traffic: Traffic,
  { repeats, seconds }: { repeats: number; seconds: number },
  report: (line: string) => void,
): Promise<TuningFigures> {
  const figures: TuningFigures = { samples: [], leftOut: [] };
  for (const tuning of tunings()) {
    const problem = await tuning.whyNot?.();
    if (problem) figures.leftOut.push(`${tuning.name}: left out: ${problem}`);
    else {
      const add = (sample: TuningSample) => {
        figures.samples.push(sample);
        const { links, on, mbits, relayCpu } = sample;
        report(
          `${tuning.name} ${on ? "on" : "off"}, ${links}: ${mbits.toFixed(0)} Mbit/s, ${relayCpu.toFixed(2)} s/Gbit`,
        );
      };
      await measureTuning(tuning, world, relay, traffic, repeats, seconds, add);
    }
  }
  return figures;
}

async function measureTuning(
  tuning: Tuning,
  world: World,
  relay: Relay,
  traffic: Traffic,
  repeats: number,
  seconds: number,
  add: (sample: TuningSample) => void,
): Promise<void> {
  const { a, b } = world.devices;
  // The bootstrap leaves the control on and all others off.
  const asBootstrapped = tuning.control ?? false;
  const { name, control = false } = tuning;
  const machine = world.lab.dataPlane.internet.ns("control");
  let now: boolean | undefined;
  await tuning.prepare?.(relay);
  for (const on of alternating(repeats)) {
    if (on !== (now ?? asBootstrapped)) await tuning.set(relay, on);
    now = on;
    for (const links of tuning.links) {
      await setLinks(machine, links, relay.network);
      const figures = await tcpOverTailnet(a, b, "peer-relay", relay, traffic, seconds);
      add({ tuning: name, control, links, on, ...figures });
    }
  }
  await setLinks(machine, "plain", relay.network);
  if (now !== asBootstrapped) await tuning.set(relay, asBootstrapped);
  await tuning.clear?.(relay);
}

/** Off, on, on, off, off, on: pairs side by side, so that a machine that gets busier favours neither; few switches. */
export function alternating(repeats: number): boolean[] {
  return Array.from({ length: repeats }, (_, i) => (i % 2 === 0 ? [false, true] : [true, false])).flat();
}
