import { gzipSync, strToU8 } from "fflate";
import { renderHostFiles, type HostFile } from "./host-files";
import { BootstrapError, type BootstrapSettings } from "./settings";

/** EC2's limit for user data, in bytes before base64. */
export const USER_DATA_LIMIT = 16384;

/** The last thing cloud-init does; systemd takes over from there, and tries again when the first boot has no network. */
const commands = [
  ["systemctl", "daemon-reload"],
  ["systemctl", "enable", "--now", "--no-block", "peer-relay.service", "peer-relay-health.timer"],
];

/**
 * Settings and units stay readable as a YAML literal block (our files start with a non-blank, hence no indentation
 * indicator). Programs go as gzip in base64: the script alone would be larger than EC2 takes. fflate and not node's
 * zlib, because zlib's output depends on the node build and the processor, and other user data would mean another VM.
 */
function fileEntry({ path, mode, content }: HostFile): string {
  const head = [`  - path: ${path}`, `    permissions: "${mode}"`];
  if (mode === "0755") {
    const packed = Buffer.from(gzipSync(strToU8(content), { level: 9, mtime: 0 })).toString("base64");
    return [...head, "    encoding: gz+b64", `    content: ${packed}`].join("\n");
  }
  const block = content.trimEnd().split("\n");
  return [...head, "    content: |", ...block.map((line) => (line === "" ? "" : `      ${line}`))].join("\n");
}

/**
 * Cloud-init user data for a relay host: writes the files, starts the units, and nothing else. It holds no secret.
 * @param comment goes into the text's last line; nothing on the host reads it
 * @throws {BootstrapError} when a setting cannot work, or when the text is larger than EC2 takes (16,384 bytes)
 */
export function renderUserData(settings: BootstrapSettings, comment?: string): string {
  const text = [
    "#cloud-config",
    "write_files:",
    ...renderHostFiles(settings).map(fileEntry),
    "runcmd:",
    ...commands.map((command) => `  - ${JSON.stringify(command)}`),
    ...(comment === undefined ? [] : [`# ${comment}`]),
    "",
  ].join("\n");
  const size = Buffer.byteLength(text);
  if (size > USER_DATA_LIMIT) {
    throw new BootstrapError(
      `user data is ${size} bytes, EC2 takes at most ${USER_DATA_LIMIT}: shorten the settings`,
    );
  }
  return text;
}
