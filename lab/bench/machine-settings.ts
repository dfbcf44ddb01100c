import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

/** Where scripts/bench leaves the machine's own network namespace: the kernel has these settings nowhere else. */
const NETWORK_FD = 7;

/** The kernel's limits on what a program may ask as a socket's buffer, in bytes. */
export type BufferLimits = Record<"net.core.rmem_max" | "net.core.wmem_max", number>;

/** What programs may ask for as a socket's receive buffer, in bytes; older kernels do not tell it in here. */
export function bufferLimit(): number | undefined {
  const file = "/proc/sys/net/core/rmem_max";
  return existsSync(file) ? Number(readFileSync(file, "utf8")) : undefined;
}

/** How the kernel's TCP finds its rate, for all hosts of the lab. */
export const congestionControl = (): string =>
  readFileSync("/proc/sys/net/ipv4/tcp_congestion_control", "utf8").trim();

/** Why they cannot be changed from here, or undefined when they can. */
export async function whyNoBufferLimits(): Promise<string | undefined> {
  if (process.env.PEER_RELAY_BENCH_NETWORK !== String(NETWORK_FD))
    return "scripts/bench has not opened the way";
  try {
    await setBufferLimits(await bufferLimits());
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

export async function bufferLimits(): Promise<BufferLimits> {
  const text = await sysctl(["-n", "net.core.rmem_max", "net.core.wmem_max"]);
  const [rmem, wmem] = text.split("\n").map(Number);
  return { "net.core.rmem_max": rmem ?? NaN, "net.core.wmem_max": wmem ?? NaN };
}

/** For the whole machine; scripts/bench puts back what was there, whatever becomes of us. */
export async function setBufferLimits(limits: BufferLimits): Promise<void> {
  await sysctl(["-qw", ...Object.entries(limits).map(([name, value]) => `${name}=${value}`)]);
}

function sysctl(argv: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn("nsenter", ["--net=/proc/self/fd/3", "sysctl", ...argv], {
      stdio: ["ignore", "pipe", "pipe", NETWORK_FD],
    });
    let text = "";
    child.stdout!.on("data", (chunk: Buffer) => (text += chunk.toString()));
    child.stderr!.on("data", (chunk: Buffer) => (text += chunk.toString()));
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0 ? resolve(text.trim()) : reject(new Error(`sysctl ${argv.join(" ")}: ${text.trim()}`)),
    );
  });
}
