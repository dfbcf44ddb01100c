import type { ChildProcess } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { tunIsUsable } from "../../internet";
import { execute, must, until } from "../command";
import type { MachineSettings } from "../machine";
import { NamespacedMachine } from "../namespaced-machine";
import { childrenOf, nameOf } from "../process-tree";
import { makeRoot } from "./root";
import { userDataScript } from "./user-data";

const startSeconds = 30;
const diskMegabytes = 1024;

/**
 * A machine that is not booted, for who may not boot one: processes in namespaces of their own, on this machine's
 * programs, with stand-ins for systemd (`init.py`) and for cloud-init. What the user data brings is run as it is.
 */
export class ProcessMachine extends NamespacedMachine {
  private hasUserData = false;

  private constructor(
    settings: MachineSettings,
    private readonly disk: string,
  ) {
    super(settings, { enter: ["-n", "-m", "-p", "-u", "-i"], shutdown: "SIGTERM" });
  }

  static async make(settings: MachineSettings): Promise<ProcessMachine> {
    const disk = join(settings.directory, "disk");
    mkdirSync(disk);
    await must(["mount", "-t", "tmpfs", "-o", `mode=755,size=${diskMegabytes}m`, "tmpfs", disk]);
    const machine = new ProcessMachine(settings, disk);
    try {
      makeRoot(disk, { hostName: settings.hostName, ca: settings.ca, tun: tunIsUsable() });
    } catch (error) {
      await machine.remove();
      throw error;
    }
    return machine;
  }

  protected command() {
    return {
      argv: [
        ...["ip", "netns", "exec", this.settings.namespace],
        ...["unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child"],
        ...["sh", join(__dirname, "boot.sh"), this.disk],
      ],
    };
  }

  protected override started(child: ChildProcess): void {
    void this.bringUp(child).catch((error: unknown) => {
      if (this.process === child) this.print(error instanceof Error ? error.message : String(error));
    });
  }

  private print(text: string): void {
    appendFileSync(this.settings.consoleFile, text.replace(/^/gm, "lab: ") + "\n");
  }

  /** The user data at the first boot, then what is enabled; as cloud-init and systemd do between them. */
  private async bringUp(child: ChildProcess): Promise<void> {
    const isUp = () => this.init() !== undefined || this.process !== child;
    await until("the instance's first process starts", isUp, startSeconds);
    if (!this.hasUserData) {
      const text = await this.mustRun("python3 -B /usr/local/lib/lab/user-data.py");
      if (text !== "") {
        this.print("user data: writing its files, then running its commands");
        const said = await this.mustRun(userDataScript(Buffer.from(text, "base64")));
        if (said !== "") this.print(said);
      }
      this.hasUserData = true;
    }
    await this.mustRun("systemctl start multi-user.target");
  }

  private async mustRun(text: string): Promise<string> {
    const { code, text: said } = await this.run(text);
    if (code !== 0) throw new Error(`the instance did not come up: exit code ${code}\n${said}`);
    return said.trim();
  }

  async remove(): Promise<void> {
    await this.kill();
    await execute(["umount", "-l", this.disk]);
    rmSync(this.disk, { recursive: true, force: true });
  }

  /** The first process of the instance's namespaces, seen from here. */
  protected first(): number | undefined {
    const unshare = this.process?.pid;
    if (unshare === undefined || nameOf(unshare) !== "unshare") return undefined;
    return childrenOf(unshare)[0];
  }

  /** The same once it takes commands; before that, the root that it has is ours. */
  protected override init(): number | undefined {
    const pid = this.first();
    return pid !== undefined && existsSync(`/proc/${pid}/root/run/lab/systemd.sock`) ? pid : undefined;
  }
}
