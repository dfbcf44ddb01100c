import { createHash, randomBytes } from "node:crypto";
import { open, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { PolicyFileStore } from "../../components/policy";
import { CliError } from "../errors";

/**
 * A policy file on disk. A write goes to a new file beside it that then takes its place, so that nobody ever reads half
 * of it; mode and owner stay, and a symbolic link goes on pointing to the file. The file's content stands for an ETag:
 * it is compared right before the write.
 */
export function fileStore(path: string): PolicyFileStore {
  return {
    async read() {
      const bytes = await withPlainWords("read", path, async () => readFile(await regularFile(path)));
      return { text: decode(path, bytes), etag: hash(bytes) };
    },
    // The edit has parsed it; there is no server to ask.
    validate: async () => undefined,
    write: (text, ifMatch) =>
      withPlainWords("write", path, async () => replace(await regularFile(path), text, ifMatch)),
  };
}

/** The file itself where the path is a symbolic link. */
async function regularFile(path: string): Promise<string> {
  const real = await realpath(path);
  if (!(await stat(real)).isFile()) throw new Error("it is not a regular file");
  return real;
}

async function replace(path: string, text: string, ifMatch: string): Promise<"written" | "conflict"> {
  const { mode, uid, gid } = await stat(path);
  const unfinished = join(dirname(path), `.peer-relay-${process.pid}-${randomBytes(4).toString("hex")}.tmp`);
  try {
    const file = await open(unfinished, "wx", 0o600);
    try {
      await file.writeFile(text);
      // Only root may give files away; everybody else makes files that are their own anyway.
      if (process.getuid?.() === 0) await file.chown(uid, gid);
      await file.chmod(mode & 0o7777);
      await file.sync();
    } finally {
      await file.close();
    }
    if (hash(await readFile(path)) !== ifMatch) return "conflict";
    await rename(unfinished, path);
    return "written";
  } finally {
    await rm(unfinished, { force: true });
  }
}

/** Every byte as it is: what we could not give back exactly must not be written over. */
function decode(path: string, bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new CliError("file", `cannot read ${path}: it is not UTF-8 text`);
  }
}

/** What stands for the ETag of a content that comes without one. */
export function hash(bytes: Buffer | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Node's messages, such as `ENOENT: no such file or directory, open '...'`, without what we say ourselves. */
export async function withPlainWords<T>(
  what: "read" | "write",
  path: string,
  step: () => Promise<T>,
): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof CliError) throw error;
    const words = (error as Error).message.replace(/^E[A-Z]+: /, "").replace(/, \w+( '.*)?$/, "");
    throw new CliError("file", `cannot ${what} ${path}: ${words}`);
  }
}
