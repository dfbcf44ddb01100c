import assert from "node:assert/strict";
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Lab, makeStack, REPO, Stack, startLab } from "../../lab";
import { leftovers } from "../../lab/aws";
import { fails, npm, ok, OTHERS, pack, POLICY, PROGRAM, run, writeProject } from "./support";

/** All of them plain JavaScript; the yarn that people have beside them is a hoisted layout like npm's. */
const TOOLS = { pnpm: "10.20.0", "@yarnpkg/cli-dist": "4.18.1" };

/** A way to get at the package, with a layout of its own. */
interface Way {
  /** Installs what package.json says; again after it was changed. */
  install(project: string): Promise<unknown>;
  /** What `pulumi` is run with. */
  env?(project: string): Promise<NodeJS.ProcessEnv>;
}

describe("The package under other package managers", function () {
  this.timeout(300_000);
  let lab: Lab;
  let tools: string;
  let release: string;
  let next: string;

  const yarn = (project: string, ...args: string[]) =>
    run("node", [join(tools, "@yarnpkg/cli-dist/bin/yarn.js"), ...args], project, {
      YARN_ENABLE_IMMUTABLE_INSTALLS: "false",
      YARN_ENABLE_SCRIPTS: "false",
      YARN_ENABLE_TELEMETRY: "false",
    });
  const pnpm: Way = {
    install: (project) => {
      const args = ["install", "--prefer-offline", "--no-frozen-lockfile", "--ignore-scripts"];
      return run("node", [join(tools, "pnpm/bin/pnpm.cjs"), ...args], project);
    },
  };
  const ways: Record<string, Way> = {
    pnpm,
    "npm's linked layout": {
      install: (project) =>
        npm(project, "install", "--install-strategy=linked", "--no-audit", "--no-fund", "--prefer-offline"),
    },
    "yarn's Plug'n'Play": {
      install: async (project) => {
        // It looks for the project's root by this file.
        writeFileSync(join(project, "yarn.lock"), "", { flag: "a" });
        // Node's `require.extensions` is gone under its ESM loader, and Pulumi's TypeScript with it.
        writeFileSync(join(project, ".yarnrc.yml"), "pnpEnableEsmLoader: false\n");
        return yarn(project, "install");
      },
      // What `yarn exec pulumi` adds.
      env: async (project) => ({
        NODE_OPTIONS: (await yarn(project, "exec", "node", "-p", "process.env.NODE_OPTIONS")).trim(),
      }),
    },
  };
  const projectOf = (way: string) => join(lab.dir, way.replace(/\W+/g, "-").toLowerCase());

  before(async () => {
    lab = await startLab({ policy: POLICY });
    mkdirSync(join(lab.dir, "tools"));
    tools = join(lab.dir, "tools/node_modules");
    writeFileSync(join(lab.dir, "tools/package.json"), JSON.stringify({ dependencies: TOOLS }));
    const flags = ["--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts"];
    await npm(join(lab.dir, "tools"), "install", ...flags);
    release = await pack(join(lab.dir, "packed"));
    next = await nextRelease(release);
    // Together, because they wait for disk and network.
    await Promise.all(
      Object.entries(ways).map(async ([name, way]) => {
        writeProject(projectOf(name), { ...OTHERS, "peer-relay": `file:${release}` });
        await way.install(projectOf(name));
      }),
    );
  });
  after(() => lab?.close());

  const stackIn = (project: string) =>
    makeStack(lab.engine, "theirs", { "aws:region": "us-east-1" }, project);
  const up = (stack: Stack) => ok(lab, stack, "up", "--yes", "--skip-preview");
  const destroyAll = async (stack: Stack) => {
    await ok(lab, stack, "destroy", "--yes", "--skip-preview");
    assert.equal(lab.tailscale.policy.text, POLICY);
    assert.deepEqual(await leftovers(lab.aws, "us-east-1"), []);
  };

  for (const [name, way] of Object.entries(ways)) {
    it(`${name}: goes up, and the next release refreshes it, has nothing to change and destroys it`, async () => {
      const project = projectOf(name);
      const before = { ...lab.engine.env };
      Object.assign(lab.engine.env, await way.env?.(project));
      try {
        const stack = await stackIn(project);
        await up(stack);
        writeProject(project, { ...OTHERS, "peer-relay": `file:${next}` });
        await way.install(project);
        await ok(lab, stack, "refresh", "--yes", "--skip-preview");
        await ok(lab, stack, "preview", "--expect-no-changes");
        await destroyAll(stack);
      } finally {
        if (!before.NODE_OPTIONS) delete lab.engine.env.NODE_OPTIONS;
        Object.assign(lab.engine.env, before);
      }
    });
  }

  it("a folder that is linked goes up; without the package, destroy says that it needs it", async () => {
    const folder = join(lab.dir, "unpacked/package");
    const project = join(lab.dir, "with-a-link");
    symlinkSync(join(REPO, "node_modules"), join(folder, "node_modules"));
    writeProject(project, { ...OTHERS, "peer-relay": `file:${folder}` });
    await npm(project, "install", "--no-audit", "--no-fund", "--prefer-offline");
    const stack = await stackIn(project);
    await up(stack);
    renameSync(join(project, "node_modules/peer-relay"), join(project, "aside"));
    assert.match(
      await fails(lab, stack, "destroy", "--yes", "--skip-preview"),
      /needs the package peer-relay, also to be deleted: install it/,
    );
    renameSync(join(project, "aside"), join(project, "node_modules/peer-relay"));
    await destroyAll(stack);
  });

  it("pnpm, as a dependency of a dependency: says what to add before there is any resource", async () => {
    const wrapper = join(lab.dir, "wrapper");
    mkdirSync(wrapper);
    writeFileSync(join(wrapper, "index.js"), 'exports.PeerRelay = require("peer-relay").PeerRelay;\n');
    writeFileSync(
      join(wrapper, "package.json"),
      JSON.stringify({
        name: "wrapper",
        version: "1.0.0",
        dependencies: { "peer-relay": `file:${release}` },
      }),
    );
    await npm(wrapper, "pack", "--pack-destination", lab.dir);
    const project = join(lab.dir, "behind-a-wrapper");
    writeProject(
      project,
      { ...OTHERS, wrapper: `file:${join(lab.dir, "wrapper-1.0.0.tgz")}` },
      PROGRAM.replace('"peer-relay"', '"wrapper"'),
    );
    await pnpm.install(project);
    const output = await fails(lab, await stackIn(project), "up", "--yes", "--skip-preview");
    assert.match(output, /Error: peer-relay is not among what \S+ may load.*: add peer-relay \S+ to the dep/);
    assert.doesNotMatch(output, /PeerRelay edge/);
  });

  /**
   * The release with the next version, and with other names for the folders of the dynamic resources. Leaves the release
   * itself in `unpacked/package`.
   */
  async function nextRelease(tarball: string): Promise<string> {
    const unpacked = join(lab.dir, "unpacked");
    mkdirSync(unpacked);
    await run("tar", ["xzf", tarball, "-C", unpacked], lab.dir);
    const moved = join(lab.dir, "moved");
    cpSync(unpacked, moved, { recursive: true });
    const components = join(moved, "package/dist/components");
    const rewrite = (file: string, edit: (text: string) => string) =>
      writeFileSync(file, edit(readFileSync(file, "utf8")));
    for (const file of readdirSync(components, { recursive: true }).map(String)) {
      if (!/\.js$/.test(file)) continue;
      rewrite(join(components, file), (text) =>
        text
          .replace(/(require\("\.{1,2}\/)(aws|policy|tailnet)(?=["/])/g, "$1$2-moved")
          .replace(/PACKAGE_VERSION = "[^"]+"/, 'PACKAGE_VERSION = "99.0.0"'),
      );
    }
    for (const folder of ["aws", "policy", "tailnet"]) {
      renameSync(join(components, folder), join(components, `${folder}-moved`));
    }
    rewrite(join(moved, "package/package.json"), (text) =>
      text.replace(/"version": "[^"]+"/, '"version": "99.0.0"'),
    );
    const target = join(lab.dir, "peer-relay-next.tgz");
    await run("tar", ["czf", target, "-C", moved, "package"], lab.dir);
    return target;
  }
});
