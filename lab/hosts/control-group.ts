import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execute } from "./command";

const mounts = [
  { path: "/sys/fs/cgroup/unified", line: /^0::(.*)$/m },
  { path: "/sys/fs/cgroup/systemd", line: /^\d+:name=systemd:(.*)$/m },
  { path: "/sys/fs/cgroup", line: /^0::(.*)$/m },
];

/**
 * Control groups for one machine, below our own: nspawn makes groups beside the one that it runs in, with fixed names,
 * so two machines need two of them, and ours keeps them together, to be removed at the end.
 */
export class ControlGroup {
  private readonly groups: string[];

  constructor(name: string) {
    const own = readFileSync("/proc/self/cgroup", "utf8");
    this.groups = mounts
      .filter(({ path }) => existsSync(join(path, "cgroup.procs")))
      .map(({ path, line }) => join(path, line.exec(own)?.[1] ?? "/", name));
    for (const group of this.groups) mkdirSync(group, { recursive: true });
  }

  /** The command, run in these groups. */
  entering(argv: string[]): string[] {
    const enter = this.groups.map((group) => `echo $$ >'${group}/cgroup.procs'`);
    return ["sh", "-ec", [...enter, 'exec "$@"'].join("\n"), "enter", ...argv];
  }

  /** Removes the groups; whatever ran in them is gone by then. */
  async remove(): Promise<void> {
    await execute(["find", ...this.groups, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"]);
  }
}
