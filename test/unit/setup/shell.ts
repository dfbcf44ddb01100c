import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";

export const REPO = join(__dirname, "../../..");

export interface ShellResult {
  status: number | null;
  signal: NodeJS.Signals | null;
  out: string;
  err: string;
}

/** A bash that has read the set-up's shared functions, with a cache of its own, running `script`. */
export function startSetupShell(script: string, cache: string): ChildProcess {
  const prelude = "set -euo pipefail; . scripts/lib/versions.sh; . scripts/lib/common.sh;";
  return spawn("bash", ["-c", `${prelude}\n${script}`], {
    cwd: REPO,
    env: { ...process.env, PEER_RELAY_CACHE: cache },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

export function finished(child: ChildProcess): Promise<ShellResult> {
  let out = "";
  let err = "";
  child.stdout?.on("data", (chunk) => (out += chunk));
  child.stderr?.on("data", (chunk) => (err += chunk));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) => resolve({ status, signal, out, err }));
  });
}

export function setupShell(script: string, cache: string): Promise<ShellResult> {
  return finished(startSetupShell(script, cache));
}
