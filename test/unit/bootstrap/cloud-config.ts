import { gunzipSync } from "node:zlib";
import { parse } from "yaml";
import type { HostFile } from "../../../components/bootstrap";

/** What cloud-init would make of user data. */
export interface CloudConfig {
  files: HostFile[];
  runcmd: string[][];
}

interface WriteFile {
  path: string;
  permissions: string;
  content: string;
  encoding?: "gz+b64";
}

/** Reads user data with a YAML parser, unpacking files as cloud-init does. */
export function readCloudConfig(userData: string): CloudConfig {
  const config = parse(userData) as { write_files: WriteFile[]; runcmd: string[][] };
  const files = config.write_files.map(({ path, permissions, content, encoding }) => ({
    path,
    mode: permissions,
    content: encoding ? gunzipSync(Buffer.from(content, "base64")).toString("utf8") : content,
  }));
  return { files, runcmd: config.runcmd };
}
