import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cache } from "./cache";

const suite = "bookworm";
const packages = [
  "systemd-sysv,dbus,iproute2,procps,python3,cloud-init",
  "curl,ca-certificates,gpg,gpg-agent,nftables,iptables,ufw,firewalld",
].join(",");
/** firewalld would run at once; the tests start it when it is its turn. */
const hook = 'chroot "$1" systemctl disable firewalld nftables';

/** What a virtual machine needs on top: a kernel, DHCP, and a way in that is no network. */
const machineParts = {
  packages: "linux-image-cloud-amd64,qemu-guest-agent,udev",
  hook: 'chroot "$1" systemctl enable systemd-networkd',
};

/** The machine's own package sources for the suite, as files; none: mmdebstrap's default. */
function sources(): string[] {
  const parts = "/etc/apt/sources.list.d";
  const files = [
    "/etc/apt/sources.list",
    ...(existsSync(parts) ? readdirSync(parts).map((f) => join(parts, f)) : []),
  ];
  return files.filter(
    (f) => existsSync(f) && new RegExp(`(^|\\s)${suite}(\\s|$)`, "m").test(readFileSync(f, "utf8")),
  );
}

/**
 * A Debian root file system, made once and kept in the cache under a name that follows from its content.
 * @param kind what it has to boot in: a container, or a virtual machine, which brings its own kernel
 */
export function debianImage(kind: "container" | "machine" = "container"): string {
  if (kind === "container") return makeImage(packages, [hook]);
  return makeImage(`${packages},${machineParts.packages}`, [hook, machineParts.hook]);
}

function makeImage(include: string, hooks: string[]): string {
  const content = [suite, include, ...hooks].join("\n");
  const key = createHash("sha256").update(content).digest("hex").slice(0, 12);
  const image = join(cache, "rootfs", `${suite}-${key}`);
  if (existsSync(image)) return image;
  if (process.env.PEER_RELAY_LAB_NET === "1") {
    throw new Error(
      "no Debian image, and no way to one from in here: run lab/hosts/prepare.ts outside first",
    );
  }
  mkdirSync(join(cache, "rootfs"), { recursive: true });
  const partial = `${image}.${process.pid}`;
  const customize = hooks.map((line) => `--customize-hook=${line}`);
  const options = ["--variant=minbase", `--include=${include}`, ...customize, suite, partial];
  const done = spawnSync("mmdebstrap", [...options, ...sources()], { encoding: "utf8", timeout: 600_000 });
  if (done.status !== 0) {
    rmSync(partial, { recursive: true, force: true });
    throw new Error(`mmdebstrap: ${done.error?.message ?? ""}${done.stderr}`);
  }
  if (existsSync(image)) rmSync(partial, { recursive: true });
  else renameSync(partial, image);
  return image;
}
