import { accessSync, constants, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";

const needed = {
  container: ["systemd-nspawn", "mmdebstrap", "nft", "ip", "nsenter"],
  machine: ["qemu-system-x86_64", "dnsmasq", "mke2fs", "mmdebstrap", "nft", "ip"],
};

/**
 * Why this machine can boot no instances of the kind, in a sentence, or undefined when it can. An ordinary user cannot:
 * in a user namespace, root is nobody to the kernel when it comes to device nodes and other people's files.
 */
export function whyNoHosts(kind: "container" | "machine" = "container"): string | undefined {
  if (process.platform !== "linux") return "instances are booted on Linux only";
  const isRoot = process.getuid?.() === 0;
  const isFirstUserNamespace = /^\s*0\s+0\s+4294967295$/m.test(readFileSync("/proc/self/uid_map", "utf8"));
  if (!isRoot || !isFirstUserNamespace) return "instances are booted by root only, not in a user namespace";
  if (kind === "machine" && process.arch !== "x64") return "virtual machines are booted on x86 only";
  const missing = needed[kind].filter((program) => !isProgram(program));
  return missing.length > 0 ? `instances cannot be booted without ${missing.join(", ")}` : undefined;
}

function isProgram(name: string): boolean {
  const path = (process.env.PATH ?? "").split(delimiter);
  return path.some((directory) => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
