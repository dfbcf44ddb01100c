import { gunzipSync } from "node:zlib";
import * as yaml from "yaml";
import { parseRelayEnv, relayEnvPath, type RelayEnv } from "./relay-env";

/** EC2's limit on user data before base64, in bytes. */
const limitBytes = 16_384;

/**
 * What cloud-init would do with an instance's user data, as far as the relay's settings go: decode, unzip, read the
 * cloud-config, take the env file out of `write_files`.
 * @returns undefined when the instance is none of ours: no user data, no cloud-config, or no env file in it
 * @throws Error when it is ours and wrong
 */
export function relaySettings(base64: string | undefined): RelayEnv | undefined {
  if (!base64) return undefined;
  const raw = Buffer.from(base64, "base64");
  if (raw.length > limitBytes) throw new Error(`user data has ${raw.length} bytes, EC2 takes ${limitBytes}`);
  const text = isGzip(raw) ? gunzipSync(raw).toString("utf8") : raw.toString("utf8");
  if (!/^#cloud-config[ \t]*\r?\n/.test(text)) return undefined;
  const file = writtenFiles(text).find((f) => f.path === relayEnvPath);
  return file && parseRelayEnv(content(file));
}

interface WrittenFile {
  path?: unknown;
  content?: unknown;
  encoding?: unknown;
}

function writtenFiles(cloudConfig: string): WrittenFile[] {
  const config: unknown = yaml.parse(cloudConfig);
  if (typeof config !== "object" || config === null) return [];
  const files = (config as { write_files?: unknown }).write_files;
  return Array.isArray(files) ? (files as WrittenFile[]) : [];
}

/** The content after cloud-init's `encoding`: plain, `b64`, or gzip in base64. */
function content(file: WrittenFile): string {
  const text = typeof file.content === "string" ? file.content : "";
  const encoding = typeof file.encoding === "string" ? file.encoding.toLowerCase() : "";
  if (encoding === "" || encoding === "text/plain") return text;
  const bytes = Buffer.from(text, "base64");
  if (["b64", "base64"].includes(encoding)) return bytes.toString("utf8");
  if (["gz+b64", "gzip+b64", "gz+base64", "gzip+base64"].includes(encoding))
    return gunzipSync(bytes).toString("utf8");
  throw new Error(`write_files ${relayEnvPath}: unknown encoding "${encoding}"`);
}

function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}
