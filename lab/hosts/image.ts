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

/** A Debian root file system, made once and kept in the cache under a name that follows from its content. */
export function debianImage(): string {
  const key = createHash("sha256").update([suite, packages, hook].join("\n")).digest("hex").slice(0, 12);
  const image = join(cache, "rootfs", `${suite}-${key}`);
  if (existsSync(image)) return image;
  mkdirSync(join(cache, "rootfs"), { recursive: true });
  const partial = `${image}.${process.pid}`;
  const options = ["--variant=minbase", `--include=${packages}`, `--customize-hook=${hook}`, suite, partial];
  const done = spawnSync("mmdebstrap", [...options, ...sources()], { encoding: "utf8", timeout: 600_000 });
  if (done.status !== 0) {
    rmSync(partial, { recursive: true, force: true });
    throw new Error(`mmdebstrap: ${done.error?.message ?? ""}${done.stderr}`);
  }
  if (existsSync(image)) rmSync(partial, { recursive: true });
  else renameSync(partial, image);
  return image;
}
