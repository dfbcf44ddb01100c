import { execFile, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { World } from "./world";

const DEADLINE_MS = 30_000;

/** A real tailscaled without a network device. */
export interface Node {
  cli(...args: string[]): Promise<{ code: number; output: string }>;
  /** `tailscale up` with this key; what it says when it is refused. */
  up(authKey: string, ...flags: string[]): Promise<{ code: number; output: string }>;
  /** What it knows about who may do what: its netmap's packet filter. */
  peers(): Promise<string[]>;
  /** Ids (`tailscale debug peer-relay-servers`) of the relays that it may use. */
  relays(): Promise<string[]>;
  stop(): Promise<void>;
}

/** Starts a tailscaled in userspace; it ends with this process, or when the world closes. */
export function startNode(world: World, name: string): Node {
  const dir = join(world.dir, name);
  mkdirSync(dir);
  const log = openSync(join(dir, "log"), "a");
  const socket = join(dir, "sock");
  const env = {
    ...process.env,
    TS_PANIC_IF_HIT_MAIN_CONTROL: "1",
    TS_DISABLE_PORTMAPPER: "1",
    SSL_CERT_FILE: world.headscale.caFile,
  };
  const flags = ["--tun=userspace-networking", "--no-logs-no-support", "--port=0"];
  const command = ["--pdeathsig", "KILL", "tailscaled", ...flags, `--statedir=${dir}`, `--socket=${socket}`];
  const child = spawn("setpriv", command, { env, stdio: ["ignore", log, log] });
  closeSync(log);
  const stop = () =>
    new Promise<void>((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve();
      child.once("exit", () => resolve());
      child.kill("SIGKILL");
    });
  world.onClose.push(stop);
  const cli: Node["cli"] = (...args) =>
    new Promise((resolve) => {
      execFile(
        "tailscale",
        [`--socket=${socket}`, ...args],
        { env, timeout: DEADLINE_MS },
        (error, out, err) =>
          resolve({
            code: error ? (typeof error.code === "number" ? error.code : -1) : 0,
            output: out + err,
          }),
      );
    });
  const json = async (...args: string[]): Promise<unknown> => JSON.parse((await cli(...args)).output);
  return {
    cli,
    up: async (authKey, ...more) => {
      await until("tailscaled answers", async () => (await cli("status", "--json")).code === 0);
      const login = `--login-server=${world.headscale.url}`;
      return cli("up", login, `--auth-key=${authKey}`, `--hostname=${name}`, "--timeout=15s", ...more);
    },
    peers: async () => {
      const status = (await json("status", "--json")) as { Peer?: Record<string, { HostName: string }> };
      return Object.values(status.Peer ?? {})
        .map((peer) => peer.HostName)
        .sort();
    },
    relays: async () => ((await json("debug", "peer-relay-servers")) as string[] | null) ?? [],
    stop,
  };
}

/** Looks until it is so. @throws with what was waited for, and what was `seen` last */
export async function until(
  what: string,
  test: () => Promise<boolean>,
  seen: () => Promise<unknown> | unknown = () => "",
): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (!(await test())) {
    if (Date.now() > deadline) {
      throw new Error(
        `waited ${DEADLINE_MS / 1000} s until ${what}; last seen: ${JSON.stringify(await seen())}`,
      );
    }
    await sleep(100);
  }
}
