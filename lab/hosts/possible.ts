import { accessSync, constants, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";

/**
 * What instances are.
 * - `container`: a Debian with its own systemd and cloud-init (systemd-nspawn), up in seconds; needs root
 * - `machine`: a Debian with a kernel of its own, too (qemu), up in minutes; needs root
 * - `process`: no booted system, but the user data's programs in namespaces of their own, on this machine's system
 */
export type HostKind = "container" | "machine" | "process";

const needed = {
  container: ["systemd-nspawn", "mmdebstrap", "nft", "ip", "nsenter"],
  machine: ["qemu-system-x86_64", "dnsmasq", "mke2fs", "mmdebstrap", "nft", "ip"],
  process: ["nft", "ip", "sysctl", "unshare", "nsenter", "mount", "umount", "pivot_root"],
};

/** Programs that the bootstrap calls and that a cloud image has, where the instance has to live with what is here. */
const neededOnHost = [
  "flock",
  "timeout",
  "tar",
  "gzip",
  "sha256sum",
  "awk",
  "sed",
  "grep",
  "find",
  "install",
];
/** The bootstrap's own PATH. */
const hostPath = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/**
 * Why this machine can boot no instances of the kind, in a sentence, or undefined when it can. Booted systems are for
 * root: in a user namespace, root is nobody to the kernel when it comes to device nodes and other people's files.
 */
export function whyNoHosts(kind: HostKind = "container"): string | undefined {
  if (process.platform !== "linux") return "instances are booted on Linux only";
  if (kind !== "process" && !isRealRoot())
    return "instances are booted by root only, not in a user namespace";
  if (kind === "machine" && process.arch !== "x64") return "virtual machines are booted on x86 only";
  const path = (process.env.PATH ?? "").split(delimiter);
  const missing = needed[kind].filter((program) => !isIn(path, program));
  if (kind === "process") missing.push(...missingOnHost());
  return missing.length > 0
    ? `instances cannot be booted without ${[...new Set(missing)].join(", ")}`
    : undefined;
}

/** The kind that comes closest to the real thing, in seconds: containers for root, else processes. */
export function bestKind(): HostKind {
  return whyNoHosts("container") ? "process" : "container";
}

function isRealRoot(): boolean {
  const isFirstUserNamespace = /^\s*0\s+0\s+4294967295$/m.test(readFileSync("/proc/self/uid_map", "utf8"));
  return process.getuid?.() === 0 && isFirstUserNamespace;
}

function missingOnHost(): string[] {
  const missing = neededOnHost.filter((program) => !isIn(hostPath, program));
  if (!isIn(["/usr/bin"], "python3")) missing.push("/usr/bin/python3");
  if (!isIn(hostPath, "curl") && !isIn(hostPath, "wget")) missing.push("curl or wget");
  return missing;
}

function isIn(path: string[], name: string): boolean {
  return path.some((directory) => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
