import type { Options } from "./options";
import type { Relay } from "./relay";
import type { Traffic } from "./traffic";
import type { World } from "./world";

/** What every measurement of a relay that is there needs. */
export interface Scene {
  world: World;
  relay: Relay;
  traffic: Traffic;
  effort: Pick<Options, "repeats" | "seconds" | "pings">;
}
