import type { Outcome } from "./command";

/** What the hosts need of the lab's internet; `lab/internet` has it. */
export interface PublicNetwork {
  attach(name: string, addresses: string[]): Promise<{ name: string }>;
  /** Takes a host away again. */
  detach(name: string): Promise<void>;
  route(address: string, name: string): Promise<void>;
  unroute(address: string, name: string): Promise<void>;
}

/** The machine of an instance, seen from outside of the cloud. */
export interface BootedHost {
  instanceId: string;
  /** Runs shell text on the host, as root. */
  run(text: string): Promise<Outcome>;
  /**
   * Like `run`.
   * @returns what it printed, trimmed
   * @throws when it fails, with the end of the journal
   */
  must(text: string): Promise<string>;
  /** The last lines of the journal. */
  journal(lines?: number): Promise<string>;
  /** Waits until the system is up. @throws after `seconds` (default: a boot's usual time, several times over) */
  booted(seconds?: number): Promise<void>;
  /** An orderly reboot, from inside; returns when the system is up again. */
  reboot(): Promise<void>;
  /** Pulls the plug: no shutdown, and it stays off. */
  kill(): Promise<void>;
  /** Switches it on again after `kill`, with the same disk. */
  start(): Promise<void>;
}
