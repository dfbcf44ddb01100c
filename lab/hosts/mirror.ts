import { createHash } from "node:crypto";
import {
  cpSync,
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import { join, normalize } from "node:path";
import { cache, programs, tailscaleVersion } from "./cache";
import { must } from "./command";

/** Files as the vendor's download servers have them. */
export interface Mirror {
  /** With `archive` and, by {@link buildMirror}, `debian/`, an apt repository. */
  directory: string;
  /** Name of the archive of static binaries. */
  archive: string;
  /** The archive's SHA-256 in hex. */
  sha256: string;
}

const arch = process.arch === "arm64" ? "arm64" : "amd64";
const name = `tailscale_${tailscaleVersion}_${arch}`;
const units = join(__dirname, "tailscaled");

/** The mirror's files, made once from the binaries in the cache, and kept there; needs root. */
export function buildMirror(image: string): Promise<Mirror> {
  const scripts = ["build-mirror.sh", "apt-repository.sh"].map((script) => join(__dirname, script));
  return keep("", scripts, (directory) => {
    const script = [scripts[0]!, directory, image, programs.tailscale, units, tailscaleVersion, arch];
    return must(["unshare", "-m", "bash", ...script]);
  });
}

/** The same without the apt repository, which any user can make. */
export function buildArchive(): Promise<Mirror> {
  return keep("archive-", [], async (directory) => {
    const tree = join(directory, name);
    cpSync(units, join(tree, "systemd"), { recursive: true });
    for (const program of ["tailscale", "tailscaled"]) {
      cpSync(join(programs.tailscale, program), join(tree, program), { dereference: true });
    }
    const owner = ["--owner=0", "--group=0", "--numeric-owner"];
    await must(["tar", "-C", directory, ...owner, "-czf", join(directory, `${name}.tgz`), name]);
    rmSync(tree, { recursive: true });
  });
}

/** Makes a directory of the cache where it is not there yet, all of it or nothing. */
async function keep(
  prefix: string,
  scripts: string[],
  build: (directory: string) => Promise<unknown>,
): Promise<Mirror> {
  const sources = [...scripts, ...readdirSync(units).map((unit) => join(units, unit))];
  const content = sources.map((path) => readFileSync(path, "utf8"));
  const key = createHash("sha256").update(JSON.stringify(content)).digest("hex").slice(0, 12);
  const directory = join(cache, "mirror", `${tailscaleVersion}-${prefix}${key}`);
  if (!existsSync(directory)) {
    const partial = `${directory}.${process.pid}`;
    mkdirSync(partial, { recursive: true });
    try {
      await build(partial);
      if (!existsSync(directory)) renameSync(partial, directory);
    } finally {
      rmSync(partial, { recursive: true, force: true });
    }
  }
  const archive = `${name}.tgz`;
  const sha256 = createHash("sha256")
    .update(readFileSync(join(directory, archive)))
    .digest("hex");
  return { directory, archive, sha256 };
}

/** Serves a directory's files. */
export function fileServer(directory: string, isOpen: () => boolean = () => true): Server {
  return createServer((request, response) => {
    const file = join(directory, normalize(decodeURIComponent(request.url ?? "/")));
    if (!isOpen()) request.socket.destroy();
    else if (!existsSync(file)) response.writeHead(404).end();
    else
      createReadStream(file)
        .on("error", () => response.destroy())
        .pipe(response);
  });
}
