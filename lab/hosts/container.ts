import { join } from "node:path";
import { must } from "./command";
import { ControlGroup } from "./control-group";
import { Disk } from "./disk";
import type { MachineSettings } from "./machine";
import { NamespacedMachine } from "./namespaced-machine";
import { childrenOf, nameOf } from "./process-tree";
import { seedContainer, seedImage } from "./seed";

/** The signal on which systemd as a container's first process powers off: SIGRTMIN+4. */
const powerOffSignal = 38;
const diskMegabytes = 2048;

/** A machine whose system is real, and whose kernel is ours: systemd-nspawn, up in seconds. */
export class Container extends NamespacedMachine {
  private readonly group: ControlGroup;

  private constructor(
    settings: MachineSettings,
    private readonly disk: Disk,
  ) {
    super(settings, { enter: ["-n", "-m", "-p", "-u", "-i", "-C"], shutdown: powerOffSignal });
    this.group = new ControlGroup(settings.id);
  }

  static async make(settings: MachineSettings): Promise<Container> {
    const disk = await Disk.make(join(settings.directory, "disk"), settings.image, diskMegabytes);
    seedImage(disk.root, settings.ca);
    seedContainer(disk.root);
    // A device node of its own: the container's tmpfiles would open up the machine's.
    await must(["mknod", "-m", "600", join(settings.directory, "tun"), "c", "10", "200"]);
    return new Container(settings, disk);
  }

  protected command() {
    return {
      argv: this.group.entering(this.nspawn()),
      // The network's kernel parameters are the host's own, as on any other machine.
      env: { ...process.env, SYSTEMD_NSPAWN_API_VFS_WRITABLE: "network" },
    };
  }

  private nspawn(): string[] {
    const { settings } = this;
    return [
      "systemd-nspawn",
      "--quiet",
      "--boot",
      `--directory=${this.disk.root}`,
      "--register=no",
      "--keep-unit",
      "--resolv-conf=off",
      `--machine=${settings.id}`,
      `--hostname=${settings.hostName}`,
      "--timezone=off",
      "--console=read-only",
      "--link-journal=no",
      `--network-namespace-path=/run/netns/${settings.namespace}`,
      `--bind=${join(settings.directory, "tun")}:/dev/net/tun`,
      "--capability=CAP_NET_ADMIN,CAP_NET_RAW",
    ];
  }

  async remove(): Promise<void> {
    await this.kill();
    await this.disk.remove();
    await this.group.remove();
  }

  /** The container's first process, seen from here: nspawn has it as its only child. */
  protected first(): number | undefined {
    const nspawn = this.process?.pid;
    if (nspawn === undefined || nameOf(nspawn) !== "systemd-nspawn") return undefined;
    return childrenOf(nspawn).find((pid) => nameOf(pid) === "systemd");
  }
}
