import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, relative } from "node:path";
import { build } from "esbuild";

/** The SDK packages whose plugins have a stand-in here. */
export const PLUGINS = ["aws", "tailscale"] as const;
export type PluginName = (typeof PLUGINS)[number];

/** The version of `@pulumi/<name>` in node_modules: the engine asks for that very plugin. */
export function pluginVersion(name: PluginName): string {
  const file = require.resolve(`@pulumi/${name}/package.json`);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

/**
 * The stand-in as one JavaScript file, for plain node: the engine starts a plugin for every command, and node with a
 * TypeScript loader takes seconds. Built once per state of the sources into the cache.
 */
export async function bundlePlugin(name: PluginName, cache = defaultCache()): Promise<string> {
  const version = pluginVersion(name);
  const folder = join(cache, `stand-ins-${sourceHash()}`);
  const outfile = join(folder, `pulumi-resource-${name}-${version}.js`);
  if (existsSync(outfile)) return outfile;
  mkdirSync(folder, { recursive: true });
  // Built aside and renamed, so that an interrupted or parallel build leaves no half file.
  const unfinished = `${outfile}.${process.pid}`;
  await build({
    entryPoints: [join(__dirname, name, "plugin.ts")],
    outfile: unfinished,
    bundle: true,
    platform: "node",
    target: "node20",
    define: { PLUGIN_VERSION: JSON.stringify(version) },
    logLevel: "error",
  });
  renameSync(unfinished, outfile);
  return outfile;
}

function defaultCache(env: NodeJS.ProcessEnv = process.env): string {
  return env["PEER_RELAY_CACHE"] ?? join(env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "peer-relay");
}

/** Changes with any source file here and with any locked dependency. */
function sourceHash(): string {
  const hash = createHash("sha256");
  const sources = readdirSync(__dirname, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ts"),
  );
  for (const file of sources.sort()) hash.update(file).update(readFileSync(join(__dirname, file)));
  const lock = join(dirname(dirname(__dirname)), "package-lock.json");
  if (existsSync(lock)) hash.update(relative(__dirname, lock)).update(readFileSync(lock));
  return hash.digest("hex").slice(0, 16);
}
