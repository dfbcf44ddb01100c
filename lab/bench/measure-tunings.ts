import { setLinks, type Links } from "./links";
import { tcpOverTailnet } from "./paths";
import type { Scene } from "./scene";
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

/**
 * Measures each tuning with the peer relay's TCP.
 * @param figures gets each figure as it comes
 * @param report gets a line for each
 */
export async function measureTunings(
  scene: Scene,
  figures: TuningFigures,
  report: (line: string) => void,
): Promise<void> {
  for (const tuning of tunings()) {
    const problem = await tuning.whyNot?.();
    if (problem) {
      figures.leftOut.push(`${tuning.name}: left out: ${problem}`);
      continue;
    }
    await measureTuning(tuning, scene, (sample) => {
      figures.samples.push(sample);
      const { links, on, mbits, relayCpu } = sample;
      const figure = `${mbits.toFixed(0)} Mbit/s, ${relayCpu.toFixed(2)} s/Gbit`;
      report(`${tuning.name} ${on ? "on" : "off"}, ${links}: ${figure}`);
    });
  }
}

async function measureTuning(
  tuning: Tuning,
  scene: Scene,
  add: (sample: TuningSample) => void,
): Promise<void> {
  const { world, relay, effort } = scene;
  const { a, b } = world.devices;
  const { name, control = false } = tuning;
  // The bootstrap leaves the control on and all others off.
  const asBootstrapped = control;
  const machine = world.lab.dataPlane.internet.ns("control");
  let now = asBootstrapped;
  const turn = async (on: boolean) => {
    if (on !== now) await tuning.set(relay, on);
    now = on;
  };
  await tuning.prepare?.(relay);
  for (const on of alternating(effort.repeats)) {
    await turn(on);
    for (const links of tuning.links) {
      await setLinks(machine, links, relay.network);
      const figures = await tcpOverTailnet(scene, a, b, "peer-relay");
      add({ tuning: name, control, links, on, ...figures });
    }
  }
  await setLinks(machine, "plain", relay.network);
  await turn(asBootstrapped);
  await tuning.clear?.(relay);
}

/** Off, on, on, off, off, on: pairs side by side, so that a machine that gets busier favours neither; few switches. */
export function alternating(repeats: number): boolean[] {
  return Array.from({ length: repeats }, (_, i) => (i % 2 === 0 ? [false, true] : [true, false])).flat();
}
