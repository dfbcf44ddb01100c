/**
 * Makes what `startHosts` needs, where it is not there yet: the image and the mirror. Run it before entering the lab's
 * namespaces, from where no package server can be reached. Argument: the kind, see `HostKind`; default `container`.
 */
import { debianImage } from "./image";
import { buildArchive, buildMirror } from "./mirror";
import { whyNoHosts, type HostKind } from "./possible";

const kinds: HostKind[] = ["container", "machine", "process"];

async function main(): Promise<void> {
  const wanted = process.argv[2] ?? "container";
  const kind = kinds.find((known) => known === wanted);
  if (!kind) throw new Error(`no such kind of instance: ${wanted}; there are ${kinds.join(", ")}`);
  const problem = whyNoHosts(kind);
  if (problem) throw new Error(problem);
  if (kind === "process") {
    process.stdout.write(`${(await buildArchive()).directory}\n`);
    return;
  }
  const image = debianImage(kind);
  const mirror = await buildMirror(image);
  process.stdout.write(`${image}\n${mirror.directory}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
