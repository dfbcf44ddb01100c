import type { FallBack } from "./fall-back";
import type { TuningFigures } from "./measure-tunings";
import type { PathFigures, PathName } from "./paths";
import type { Split } from "./timeline";

/** What the figures depend on, and the lab cannot know. */
export interface Machine {
  started: string;
  cores: number;
  kernel: string;
  architecture: string;
  /** Of the last minute, before the lab was started: what others were doing. */
  loadBefore: number;
  congestionControl: string;
  /** Of the relay's UDP sockets, in bytes, as the kernel counts them (twice what was asked for). */
  relayBuffer?: number;
  /** The kernel's limit for programs that may not go beyond it, in bytes. */
  bufferLimit?: number;
}

/** Every single figure of a run. */
export interface Results {
  machine: Machine;
  repeats: number;
  paths: { path: PathName; figures: PathFigures }[];
  tunings?: TuningFigures;
  starts: Split[];
  fallBacks: FallBack[];
}
