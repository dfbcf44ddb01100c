import { createHash } from "node:crypto";
import {
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
  /** With `debian/`, an apt repository, and `archive`. */
  directory: string;
  /** Name of the archive of static binaries. */
  archive: string;
  /** The archive's SHA-256 in hex. */
  sha256: string;
}

/** The mirror's files, made once from the binaries in the cache, and kept there; needs root. */
export async function buildMirror(image: string): Promise<Mirror> {
  const scripts = ["build-mirror.sh", "apt-repository.sh"].map((name) => join(__dirname, name));
  const units = join(__dirname, "tailscaled");
  const content = [...scripts, ...readdirSync(units).map((name) => join(units, name))].map((path) =>
    readFileSync(path, "utf8"),
  );
  const key = createHash("sha256").update(JSON.stringify(content)).digest("hex").slice(0, 12);
  const arch = process.arch === "arm64" ? "arm64" : "amd64";
  const directory = join(cache, "mirror", `${tailscaleVersion}-${key}`);
  if (!existsSync(directory)) {
    const partial = `${directory}.${process.pid}`;
    mkdirSync(partial, { recursive: true });
    try {
      const script = [scripts[0]!, partial, image, programs.tailscale, units, tailscaleVersion, arch];
      await must(["unshare", "-m", "bash", ...script]);
      if (!existsSync(directory)) renameSync(partial, directory);
    } finally {
      rmSync(partial, { recursive: true, force: true });
    }
  }
  const archive = `tailscale_${tailscaleVersion}_${arch}.tgz`;
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
