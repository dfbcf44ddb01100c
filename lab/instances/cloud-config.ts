import { gunzipSync } from "node:zlib";
import * as yaml from "yaml";

/** EC2's limit on user data before base64, in bytes. */
const limitBytes = 16_384;

/** One of cloud-init's `write_files`, as it was written; nothing of it is checked yet. */
export interface WriteFile {
  path?: unknown;
  content?: unknown;
  encoding?: unknown;
  [key: string]: unknown;
}

/**
 * Reads user data that is a cloud-config, unzipping it where it has to be.
 * @returns its keys, or undefined when it is something else
 * @throws Error when it is larger than EC2 takes, or no YAML
 */
export function readCloudConfig(raw: Buffer): Record<string, unknown> | undefined {
  if (raw.length > limitBytes) throw new Error(`user data has ${raw.length} bytes, EC2 takes ${limitBytes}`);
  const text = (isGzip(raw) ? gunzipSync(raw) : raw).toString("utf8");
  if (!/^#cloud-config[ \t]*\r?\n/.test(text)) return undefined;
  const config: unknown = yaml.parse(text);
  return typeof config === "object" && config !== null ? (config as Record<string, unknown>) : {};
}

/** Its `write_files`; none when that is no list. */
export function writeFilesOf(config: Record<string, unknown>): WriteFile[] {
  return Array.isArray(config.write_files) ? (config.write_files as WriteFile[]) : [];
}

/**
 * The content after cloud-init's `encoding`: plain, `b64`, or gzip in base64.
 * @throws Error when the encoding is another one
 */
export function contentOf(file: WriteFile): Buffer {
  const text = typeof file.content === "string" ? file.content : "";
  const encoding = typeof file.encoding === "string" ? file.encoding.toLowerCase() : "";
  if (encoding === "" || encoding === "text/plain") return Buffer.from(text);
  const bytes = Buffer.from(text, "base64");
  if (["b64", "base64"].includes(encoding)) return bytes;
  if (["gz+b64", "gzip+b64", "gz+base64", "gzip+base64"].includes(encoding)) return gunzipSync(bytes);
  throw new Error(`write_files ${String(file.path)}: unknown encoding "${encoding}"`);
}

function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}
