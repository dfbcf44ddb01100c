import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { put } from "../seed";

/** Of the machine's own root, what an instance's system is made of; nothing that belongs to a person. */
const parts = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc", "opt"];

/** Directories that an instance has for itself, with links to what the machine has there: files can be added to them. */
const shared = [
  ...["etc", "etc/default", "etc/ssl", "etc/ssl/certs"],
  ...["usr", "usr/bin", "usr/sbin", "usr/local", "usr/local/bin", "usr/local/sbin", "usr/local/lib"],
];
/** Directories that start out empty. */
const empty = [
  ...[
    "etc/systemd/system",
    "usr/local/lib/lab",
    "var/lib",
    "var/cache",
    "var/log",
    "var/tmp",
    "root",
    "home",
  ],
  ...["run", "tmp", "proc", "dev/shm", "dev/net", "sys/class/dmi/id", "sys/hypervisor", ".machine"],
];
/** What a machine may have of its own, and a new instance has not. */
const notShared =
  /^(etc\/systemd|usr\/s?bin\/(systemctl|journalctl)|(usr\/s?bin|usr\/local\/(s?bin|lib)|etc(\/default)?)\/(tailscaled?|peer-relay))$/;

/** What differs between two instances. */
export interface RootOptions {
  hostName: string;
  /** Certificate in PEM that is trusted beside the machine's. */
  ca?: string;
  /** Whether /dev/net/tun is for use. */
  tun: boolean;
}

/**
 * Fills an empty directory with a root file system for `boot.sh`, which puts the machine's own directories to `.machine`.
 *
 * It is made of links into those and not an overlay over them: in a user namespace the kernel overlays no directory below
 * which something else is mounted, and files of the machine's root cannot be changed in an overlay either.
 */
export function makeRoot(root: string, { hostName, ca, tun }: RootOptions): void {
  for (const path of [...empty, ...shared]) mkdirSync(join(root, path), { recursive: true });
  for (const part of parts.filter((name) => existsSync(join("/", name)))) {
    const machine = join(root, ".machine", part);
    // /bin and the like may be links into /usr: the same link leads there in `.machine`.
    if (lstatSync(join("/", part)).isSymbolicLink()) symlinkSync(readlinkSync(join("/", part)), machine);
    else mkdirSync(machine);
    if (!shared.includes(part)) symlinkSync(join("/.machine", part), join(root, part));
  }
  for (const directory of shared) linkEntries(root, directory);
  symlinkSync("/run", join(root, "var/run"));
  makeDevices(root, tun);
  put(root, "etc/hostname", `${hostName}\n`);
  put(root, "etc/hosts", `127.0.0.1 localhost ${hostName}\n::1 localhost\n`);
  put(root, "etc/resolv.conf", "# The lab has no DNS.\n");
  // The signs of EC2 that tailscale and cloud-init look for.
  put(root, "sys/class/dmi/id/bios_vendor", "Amazon EC2\n");
  put(root, "sys/hypervisor/uuid", "ec2e1916-9099-7caf-fd21-012345abcdef\n");
  // As whoever runs tailscale without a tun device would set it; the archive's file does not replace this one.
  if (!tun) put(root, "etc/default/tailscaled", userspaceDefaults);
  if (ca) cpSync(ca, join(root, "etc/ssl/certs/lab-ca.pem"));
  for (const name of ["init.py", "unit_file.py", "units.py", "user-data.py"]) {
    cpSync(join(__dirname, name), join(root, "usr/local/lib/lab", name));
  }
  for (const name of ["systemctl", "journalctl"]) {
    cpSync(join(__dirname, `${name}.py`), join(root, "usr/bin", name));
  }
}

function linkEntries(root: string, directory: string): void {
  const machine = join("/", directory);
  for (const name of existsSync(machine) ? readdirSync(machine) : []) {
    const path = join(directory, name);
    const isOurs = shared.includes(path) || notShared.test(path);
    if (!isOurs) symlinkSync(join("/.machine", path), join(root, path));
  }
}

/** Files for the devices to be mounted on. */
function makeDevices(root: string, tun: boolean): void {
  for (const device of ["null", "zero", "full", "random", "urandom", "tty", ...(tun ? ["net/tun"] : [])]) {
    if (existsSync(join("/dev", device))) put(root, join("dev", device), "");
  }
  for (const [name, target] of [
    ["fd", "/proc/self/fd"],
    ["stdin", "/proc/self/fd/0"],
    ["stdout", "/proc/self/fd/1"],
    ["stderr", "/proc/self/fd/2"],
  ] as const) {
    symlinkSync(target, join(root, "dev", name));
  }
}

const userspaceDefaults = `# The lab's, see lab/hosts/tailscaled/tailscaled.defaults.
PORT="41641"
FLAGS="--no-logs-no-support --tun=userspace-networking"
TS_PANIC_IF_HIT_MAIN_CONTROL=1
`;
