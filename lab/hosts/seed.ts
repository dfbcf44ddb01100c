import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** cloud-init's settings that make the image one of EC2's. */
const cloudConfig = `# The lab: Debian's image for EC2 has this datasource too.
datasource_list: [Ec2]
datasource: { Ec2: { timeout: 5, max_wait: 60 } }
# The image has no locales to generate; cloud images have.
locale: false
`;

/**
 * A container sees the real machine's hardware, or none: this makes the signs of EC2 that cloud-init (the hypervisor's
 * UUID) and tailscale (the BIOS vendor) look for.
 */
const platformScript = `#!/bin/sh
# sysfs takes no new directories: it is mounted again, piece by piece, on a file system that does.
set -e
sys=/run/lab-sys
mkdir -p $sys /run/lab-class/dmi/id
mount -t tmpfs -o mode=755 tmpfs $sys
for piece in /sys/*; do
  mkdir "$sys/\${piece##*/}"
  mount --rbind "$piece" "$sys/\${piece##*/}"
done
mkdir -p $sys/hypervisor
echo ec2e1916-9099-7caf-fd21-012345abcdef >$sys/hypervisor/uuid
echo "Amazon EC2" >/run/lab-class/dmi/id/bios_vendor
mount -t overlay -o lowerdir=/run/lab-class:/sys/class overlay $sys/class ||
  echo "no BIOS vendor: tailscale will not see that this is EC2"
mount --rbind $sys /sys
`;

const platformUnit = `[Unit]
Description=Signs of EC2 that a container lacks
DefaultDependencies=no
RequiresMountsFor=/sys /run
Before=cloud-init-local.service cloud-init.service sysinit.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/lib/lab/ec2-platform

[Install]
WantedBy=sysinit.target
`;

/** What makes a Debian root file system one of the lab's cloud images. */
export function seedImage(root: string, ca: string | undefined): void {
  put(root, "etc/cloud/cloud.cfg.d/99-lab.cfg", cloudConfig);
  // The image has its builder's: nothing answers there, and every look-up would take its full time.
  put(root, "etc/resolv.conf", "# The lab has no DNS.\n");
  // No route leads to Debian's package servers.
  for (const path of ["etc/apt/sources.list", "etc/apt/sources.list.d"]) {
    rmSync(join(root, path), { recursive: true, force: true });
  }
  mkdirSync(join(root, "etc/apt/sources.list.d"), { recursive: true });
  if (ca) cpSync(ca, join(root, "etc/ssl/certs/lab-ca.pem"));
}

/** The same for a container, whose network is there before it boots. */
export function seedContainer(root: string): void {
  put(root, "usr/local/lib/lab/ec2-platform", platformScript, 0o755);
  put(root, "etc/systemd/system/ec2-platform.service", platformUnit);
  link(root, "etc/systemd/system/sysinit.target.wants/ec2-platform.service", "../ec2-platform.service");
  put(root, "etc/cloud/cloud.cfg.d/99-lab-network.cfg", "network: { config: disabled }\n");
  // Asks for a lease before there is a network: not needed here, and there is no DHCP server.
  link(root, "etc/systemd/system/cloud-init-local.service", "/dev/null");
}

/** Writes a file below a root, with its directories. */
export function put(root: string, path: string, content: string, mode = 0o644): void {
  const file = join(root, path);
  rmSync(file, { force: true }); // it may be a link that leads out of the root
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content, { mode });
}

function link(root: string, path: string, target: string): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  rmSync(file, { force: true });
  symlinkSync(target, file);
}
