import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface PolicyFile {
  name: string;
  text: string;
}

function read(folder: string): PolicyFile[] {
  const path = join(__dirname, "../../../corpus", folder);
  return readdirSync(path)
    .filter((name) => name.endsWith(".hujson"))
    .sort()
    .map((name) => ({ name: join(folder, name), text: readFileSync(join(path, name), "utf8") }));
}

/** Two of the real files are broken: a template, and a missing comma. */
const broken = ["001-alexraskin.hujson", "029-headscale-randomize-client-port.hujson"];

/** Files to be refused. */
export function invalidFiles(): PolicyFile[] {
  return [...read("").filter(({ name }) => broken.includes(name)), ...read("handmade/invalid")];
}

/** Files to be merged with. */
export function validFiles(): PolicyFile[] {
  return [...read("").filter(({ name }) => !broken.includes(name)), ...read("handmade")];
}
