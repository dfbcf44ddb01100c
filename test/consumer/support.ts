import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { Lab, REPO, Stack } from "../../lab";
import packageJson from "../../package.json";

export const POLICY = '{"tagOwners": {}, "acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}\n';

/** Someone else's program, ten lines of it. */
export const PROGRAM = `import * as aws from "@pulumi/aws";
import { PeerRelay } from "peer-relay";

const bucketless = aws.getRegionOutput();
const relay = new PeerRelay("edge", {
  clients: ["autogroup:member"],
  ssmEndpoint: process.env.AWS_ENDPOINT_URL,
  readyTimeoutSeconds: 60,
});
export const where = bucketless.region;
export const endpoint = relay.endpoint;
`;

/** What such a program loads beside this package. */
export const OTHERS: Record<string, string> = {
  "@pulumi/aws": packageJson.dependencies["@pulumi/aws"],
  "@pulumi/pulumi": packageJson.dependencies["@pulumi/pulumi"],
  "@types/node": packageJson.devDependencies["@types/node"],
  typescript: packageJson.devDependencies.typescript,
};

/** Runs a command to its end; its output. */
export async function run(command: string, args: string[], cwd: string, env: NodeJS.ProcessEnv = {}) {
  const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 1e8 };
  return (await promisify(execFile)(command, args, options)).stdout;
}

export const npm = (cwd: string, ...args: string[]) => run("npm", args, cwd);

/** Packs this package, as a release would be. */
export async function pack(to: string): Promise<string> {
  mkdirSync(to, { recursive: true });
  await npm(REPO, "pack", "--pack-destination", to);
  return join(
    to,
    readdirSync(to).find((name) => name.endsWith(".tgz"))!,
  );
}

/** Writes a project whose program is {@link PROGRAM}. */
export function writeProject(
  directory: string,
  dependencies: Record<string, string>,
  program = PROGRAM,
): void {
  mkdirSync(directory, { recursive: true });
  const name = directory.slice(directory.lastIndexOf("/") + 1);
  const compilerOptions = {
    target: "ES2022",
    module: "commonjs",
    moduleResolution: "node10",
    strict: true,
    noEmit: true,
  };
  const files = {
    "package.json": JSON.stringify({ name, private: true, dependencies }),
    "Pulumi.yaml": `name: ${name}\nruntime: nodejs\n`,
    "tsconfig.json": JSON.stringify({ compilerOptions, include: ["index.ts"] }),
    "index.ts": program,
  };
  for (const [file, text] of Object.entries(files)) writeFileSync(join(directory, file), text);
}

/** Runs a command of the engine that must succeed. */
export async function ok(lab: Lab, stack: Stack, ...args: string[]): Promise<string> {
  const { code, output } = await lab.engine.run(stack, args);
  assert.equal(code, 0, `pulumi ${args.join(" ")}:\n${output}`);
  return output;
}

/** Runs a command of the engine that must fail. */
export async function fails(lab: Lab, stack: Stack, ...args: string[]): Promise<string> {
  const { code, output } = await lab.engine.run(stack, args);
  assert.notEqual(code, 0, `pulumi ${args.join(" ")} should have failed:\n${output}`);
  return output;
}
