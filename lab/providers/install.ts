import { execFile } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { bundlePlugin, PLUGINS, pluginVersion, type PluginName } from "./bundle";

/** Options of {@link installPlugins}. */
export interface InstallOptions {
  /** The PULUMI_HOME that gets the plugins. */
  pulumiHome: string;
  /** The Pulumi CLI. */
  pulumi: string;
  /** Node that runs the stand-ins. @default the one that runs this */
  node?: string;
  /**
   * Where the user's own plugins are. @default `~/.pulumi/plugins`; none when PEER_RELAY_REAL_PLUGINS is "0"
   */
  realPlugins?: string;
}

/** Which plugin a test ran with. */
export interface InstalledPlugin {
  name: PluginName;
  version: string;
  /** "real": the vendor's plugin from the user's machine; "stand-in": ours. */
  kind: "real" | "stand-in";
}

/**
 * Puts the aws and tailscale plugins into a PULUMI_HOME, at the versions of the SDKs in node_modules: the vendor's own
 * plugin where the user has exactly that version installed, else our stand-in.
 *
 * @throws when PEER_RELAY_REAL_PLUGINS is "1" and one is not there
 */
export async function installPlugins(options: InstallOptions): Promise<InstalledPlugin[]> {
  return Promise.all(PLUGINS.map((name) => installPlugin(name, options)));
}

async function installPlugin(name: PluginName, options: InstallOptions): Promise<InstalledPlugin> {
  const version = pluginVersion(name);
  const folder = `resource-${name}-v${version}`;
  const wish = process.env["PEER_RELAY_REAL_PLUGINS"];
  const real = join(options.realPlugins ?? join(homedir(), ".pulumi", "plugins"), folder);
  const target = join(options.pulumiHome, "plugins", folder);
  if (existsSync(target)) rmSync(target, { recursive: true });
  if (wish !== "0" && existsSync(real)) {
    linkFolder(real, target);
    return { name, version, kind: "real" };
  }
  if (wish === "1") throw new Error(`PEER_RELAY_REAL_PLUGINS=1, but there is no ${real}`);
  await installStandIn(name, version, options);
  return { name, version, kind: "stand-in" };
}

/** The engine skips a plugin folder that is itself a link, so its files are linked. */
function linkFolder(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const file of readdirSync(from)) symlinkSync(join(from, file), join(to, file));
}

async function installStandIn(name: PluginName, version: string, options: InstallOptions): Promise<void> {
  const bundle = await bundlePlugin(name);
  const folder = mkdtempSync(join(tmpdir(), "peer-relay-plugin-"));
  try {
    const start = join(folder, `pulumi-resource-${name}`);
    const command = [options.node ?? process.execPath, "--no-warnings", bundle].map(quote).join(" ");
    writeFileSync(start, `#!/bin/sh\nexec ${command} "$@"\n`);
    chmodSync(start, 0o755);
    const env = { ...process.env, PULUMI_HOME: options.pulumiHome, PULUMI_SKIP_UPDATE_CHECK: "true" };
    const args = ["plugin", "install", "resource", name, version, "--file", folder, "--reinstall"];
    await promisify(execFile)(options.pulumi, args, { env });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
