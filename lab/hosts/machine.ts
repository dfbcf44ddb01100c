import type { Outcome } from "./command";

/** What every kind of machine needs to know. */
export interface MachineSettings {
  /** The instance id. */
  id: string;
  /** Scratch directory of its own, which exists. */
  directory: string;
  /** The Debian image; `/` for a process, which has this machine's own system. */
  image: string;
  /** Namespace with the interface `ens5`, addresses and routes set. */
  namespace: string;
  /** Namespace of its gateway, with the interface `inside` towards it. */
  gateway: string;
  mac: string;
  privateIp: string;
  hostName: string;
  /** Certificate in PEM that the host is to trust beside the usual ones. */
  ca?: string;
  /** File that gets all that the machine prints. */
  consoleFile: string;
}

/** A machine that can be switched on and off; its disk stays until `remove`. */
export interface Machine {
  isOn(): boolean;
  /** How often it has started, reboots included. */
  boots(): number;
  /** Runs shell text on it, as root. */
  run(text: string): Promise<Outcome>;
  start(): Promise<void>;
  /** An orderly shutdown; the plug after ten seconds. */
  stop(): Promise<void>;
  /** Pulls the plug. */
  kill(): Promise<void>;
  /** Removes it with its disk. */
  remove(): Promise<void>;
  /** What a boot may take, in seconds, on a busy machine. */
  bootSeconds: number;
}
