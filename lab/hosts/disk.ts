import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { execute, must } from "./command";

/** A root file system of one's own over an image that stays as it is; in memory. */
export class Disk {
  /** Where it is mounted. */
  readonly root: string;

  private constructor(private readonly directory: string) {
    this.root = join(directory, "root");
  }

  /** @param sizeMegabytes how much may be written to it */
  static async make(directory: string, image: string, sizeMegabytes: number): Promise<Disk> {
    const disk = new Disk(directory);
    mkdirSync(directory, { recursive: true });
    await must(["mount", "-t", "tmpfs", "-o", `mode=755,size=${sizeMegabytes}m`, "tmpfs", directory]);
    const [upper, work] = [join(directory, "upper"), join(directory, "work")];
    for (const path of [upper, work, disk.root]) mkdirSync(path);
    const options = `lowerdir=${image},upperdir=${upper},workdir=${work}`;
    try {
      await must(["mount", "-t", "overlay", "overlay", "-o", options, disk.root]);
    } catch (error) {
      await disk.remove();
      throw error;
    }
    return disk;
  }

  async remove(): Promise<void> {
    // Lazily: a process that is on its way out may still have a file open.
    await execute(["umount", "-l", this.root]);
    await execute(["umount", "-l", this.directory]);
    rmSync(this.directory, { recursive: true, force: true });
  }
}
