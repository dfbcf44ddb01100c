import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { execute, must, until, type Outcome } from "./command";
import { ControlGroup } from "./control-group";
import { Disk } from "./disk";
import type { Machine, MachineSettings } from "./machine";
import { childrenOf, nameOf } from "./process-tree";
import { seedContainer, seedImage } from "./seed";

/** nspawn's exit code when the system in it wants to be started again. */
const rebootCode = 133;
/** The signal on which systemd as a container's first process powers off: SIGRTMIN+4. */
const powerOffSignal = 38;
const shutdownSeconds = 10;
const diskMegabytes = 2048;

/** A machine whose system is real, and whose kernel is ours: systemd-nspawn, up in seconds. */
export class Container implements Machine {
  readonly bootSeconds = 60;
  private process: ChildProcess | undefined;
  private readonly group: ControlGroup;
  private bootCount = 0;
  private plugPulled = false;

  private constructor(
    private readonly settings: MachineSettings,
    private readonly disk: Disk,
  ) {
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

  isOn(): boolean {
    return this.process !== undefined;
  }

  boots(): number {
    return this.bootCount;
  }

  async start(): Promise<void> {
    if (this.process) return;
    this.plugPulled = false;
    this.boot();
  }

  private boot(): void {
    this.bootCount++;
    const log = openSync(this.settings.consoleFile, "a");
    const [program = "", ...parameters] = this.group.entering(this.command());
    const child = spawn(program, parameters, {
      stdio: ["ignore", log, log],
      // The network's kernel parameters are the host's own, as on any other machine.
      env: { ...process.env, SYSTEMD_NSPAWN_API_VFS_WRITABLE: "network" },
    });
    closeSync(log);
    this.process = child;
    child.once("exit", (code) => {
      this.process = undefined;
      if (code === rebootCode && !this.plugPulled) this.boot();
    });
  }

  private command(): string[] {
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

  async run(text: string): Promise<Outcome> {
    const init = this.init();
    if (init === undefined) return { code: null, text: "the host is not up" };
    const argv = ["nsenter", "-t", String(init), "-n", "-m", "-p", "-u", "-i", "-C", "--", "/bin/sh"];
    const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    return execute(argv, { input: text, env: { PATH, LC_ALL: "C" } });
  }

  async stop(): Promise<void> {
    this.plugPulled = true; // whatever it wants: not again
    const init = this.init();
    if (init !== undefined) {
      process.kill(init, powerOffSignal);
      await until("shutdown", () => !this.process, shutdownSeconds).catch(() => undefined);
    }
    await this.kill();
  }

  async kill(): Promise<void> {
    this.plugPulled = true;
    const child = this.process;
    if (!child) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    const init = this.init();
    // Its first process takes all others along; without one it has not come so far.
    if (init !== undefined) process.kill(init, "SIGKILL");
    else child.kill("SIGKILL");
    await gone;
  }

  async remove(): Promise<void> {
    await this.kill();
    await this.disk.remove();
    await this.group.remove();
  }

  /** The container's first process, seen from here: nspawn has it as its only child. */
  private init(): number | undefined {
    const nspawn = this.process?.pid;
    if (nspawn === undefined || nameOf(nspawn) !== "systemd-nspawn") return undefined;
    return childrenOf(nspawn).find((pid) => nameOf(pid) === "systemd");
  }
}
