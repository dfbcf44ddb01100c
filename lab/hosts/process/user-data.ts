import { contentOf, readCloudConfig, writeFilesOf, type WriteFile } from "../../instances";

/**
 * What cloud-init does with user data at an instance's first boot, as a script for `sh` as root: the files of
 * `write_files`, then the commands of `runcmd`, which go on after one that fails.
 * @throws Error when there is anything in it that has no meaning here
 */
export function userDataScript(raw: Buffer): string {
  const config = readCloudConfig(raw);
  if (!config) throw new Error("user data is no cloud-config");
  const unknown = Object.keys(config).filter((key) => !["write_files", "runcmd"].includes(key));
  if (unknown.length > 0) throw new Error(`user data has ${unknown.join(", ")}, which nothing here does`);
  const commands: unknown = config.runcmd ?? [];
  if (!Array.isArray(commands)) throw new Error("user data: runcmd is no list");
  return ["set -e", ...writeFilesOf(config).map(fileLines), "set +e", ...commands.map(commandLine), ""].join(
    "\n",
  );
}

function fileLines(file: WriteFile): string {
  const { path, permissions = "0644" } = file;
  const known = ["path", "permissions", "encoding", "content"];
  const unknown = Object.keys(file).filter((key) => !known.includes(key));
  if (typeof path !== "string" || !path.startsWith("/")) throw new Error("write_files: a path is missing");
  if (unknown.length > 0) throw new Error(`write_files ${path}: ${unknown.join(", ")} does nothing here`);
  const mode = String(permissions);
  if (!/^0?[0-7]{3}$/.test(mode)) throw new Error(`write_files ${path}: ${mode} are no permissions`);
  const target = quote(path);
  return [
    `mkdir -p "$(dirname ${target})"`,
    `base64 -d >${target} <<'END'`,
    contentOf(file).toString("base64"),
    "END",
    `chmod ${mode} ${target}`,
  ].join("\n");
}

function commandLine(command: unknown): string {
  if (typeof command === "string") return command;
  if (Array.isArray(command)) return command.map((word) => quote(String(word))).join(" ");
  throw new Error("user data: a command is neither a text nor a list");
}

const quote = (text: string): string => `'${text.replace(/'/g, "'\\''")}'`;
