import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { addFragment } from "../../components/policy";
import { Lab, makeStack, outputsOf, REPO, startLab } from "../../lab";
import { leftovers } from "../../lab/aws";

const POLICY = '{"tagOwners": {}, "acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}\n';

const FRAGMENT = { owner: "a/b/c", grants: [{ src: ["*"], dst: ["tag:relay"], ip: ["22"] }], tagOwners: {} };

/** Someone else's program, ten lines of it. */
const PROGRAM = `import * as aws from "@pulumi/aws";
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

describe("The packed package in someone else's project", function () {
  this.timeout(300_000);
  let lab: Lab;
  let project: string;
  const npm = (args: string[], cwd: string) =>
    execFileSync("npm", args, { cwd, encoding: "utf8", stdio: "pipe" });

  before(async () => {
    lab = await startLab({ policy: POLICY });
    project = join(lab.dir, "someone-elses");
    mkdirSync(project);
    npm(["pack", "--pack-destination", lab.dir], REPO);
    const tarball = readdirSync(lab.dir).find((name) => name.endsWith(".tgz"));
    writeFileSync(join(project, "package.json"), JSON.stringify({ name: "someone-elses", private: true }));
    npm(
      [
        "install",
        "--no-audit",
        "--no-fund",
        "--prefer-offline",
        join(lab.dir, tarball!),
        "typescript@5.9.3",
        "@types/node@22",
      ],
      project,
    );
    writeFileSync(join(project, "Pulumi.yaml"), "name: someone-elses\nruntime: nodejs\n");
    const compilerOptions = {
      target: "ES2022",
      module: "commonjs",
      moduleResolution: "node10",
      strict: true,
      noEmit: true,
    };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["index.ts"] }));
    writeFileSync(join(project, "index.ts"), PROGRAM);
  });
  after(() => lab?.close());

  it("brings the components and the command line, and neither lab nor tests", () => {
    const packed = readdirSync(join(project, "node_modules/peer-relay"), { recursive: true }).map(String);
    const places = new Set(packed.map((path) => path.split("/").slice(0, 2).join("/")));
    assert.deepEqual([...places].sort(), [
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "dist",
      "dist/cli",
      "dist/components",
      "package.json",
    ]);
  });

  it("type-checks in strict mode", () => {
    assert.equal(npm(["exec", "--", "tsc", "--noEmit", "-p", "."], project), "");
  });

  it("shows the policy from the command line", () => {
    writeFileSync(join(project, "policy.hujson"), addFragment(POLICY, FRAGMENT));
    const args = ["peer-relay", "policy", "show", "--file", "policy.hujson", "--owner", "a/b/c"];
    const shown = execFileSync("npx", args, { cwd: project, encoding: "utf8" });
    assert.equal(shown, `a/b/c\n  line 5  grants[0]  as written  ${JSON.stringify(FRAGMENT.grants[0])}\n`);
  });

  it("goes up and is destroyed again", async () => {
    const stack = await makeStack(lab.engine, "theirs", { "aws:region": "us-east-1" }, project);
    const up = await lab.engine.run(stack, ["up", "--yes", "--skip-preview"]);
    assert.equal(up.code, 0, up.output);
    const outputs = await outputsOf(lab.engine, stack);
    assert.equal(outputs.where, "us-east-1");
    assert.match(String(outputs.endpoint), /^[\d.]+:40000$/);
    assert.match(lab.tailscale.policy.text, /peer-relay: someone-elses\/theirs\/edge /);
    const preview = await lab.engine.run(stack, ["preview", "--expect-no-changes"]);
    assert.equal(preview.code, 0, preview.output);
    const down = await lab.engine.run(stack, ["destroy", "--yes", "--skip-preview"]);
    assert.equal(down.code, 0, down.output);
    assert.equal(lab.tailscale.policy.text, POLICY);
    assert.deepEqual(await leftovers(lab.aws, "us-east-1"), []);
  });
});
