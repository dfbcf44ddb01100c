/**
 * Makes what `startHosts` needs, where it is not there yet: the image and the mirror. Run it before entering the lab's
 * namespaces, from where no package server can be reached. Argument: `machine`, for virtual machines; default `container`.
 */
import { debianImage } from "./image";
import { buildMirror } from "./mirror";
import { whyNoHosts } from "./possible";

async function main(): Promise<void> {
  const kind = process.argv[2] === "machine" ? "machine" : "container";
  const problem = whyNoHosts(kind);
  if (problem) throw new Error(problem);
  const image = debianImage(kind);
  const mirror = await buildMirror(image);
  process.stdout.write(`${image}\n${mirror.directory}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
