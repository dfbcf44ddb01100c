import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { addFragment } from "../../components/policy";
import { Lab, makeStack, outputsOf, startLab } from "../../lab";
import { leftovers } from "../../lab/aws";
import { npm, ok, OTHERS, pack, POLICY, writeProject } from "./support";

const FRAGMENT = { owner: "a/b/c", grants: [{ src: ["*"], dst: ["tag:relay"], ip: ["22"] }], tagOwners: {} };

describe("The packed package in someone else's project", function () {
  this.timeout(300_000);
  let lab: Lab;
  let project: string;

  before(async () => {
    lab = await startLab({ policy: POLICY });
    project = join(lab.dir, "someone-elses");
    const { typescript, "@types/node": types } = OTHERS;
    // The Pulumi packages come with ours.
    writeProject(project, {
      "peer-relay": `file:${await pack(join(lab.dir, "packed"))}`,
      typescript: typescript!,
      "@types/node": types!,
    });
    await npm(project, "install", "--no-audit", "--no-fund", "--prefer-offline");
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

  it("type-checks in strict mode", async () => {
    assert.equal(await npm(project, "exec", "--", "tsc", "--noEmit", "-p", "."), "");
  });

  it("shows the policy from the command line", async () => {
    writeFileSync(join(project, "policy.hujson"), addFragment(POLICY, FRAGMENT));
    const args = ["policy", "show", "--file", "policy.hujson", "--owner", "a/b/c"];
    const shown = await npm(project, "exec", "--", "peer-relay", ...args);
    assert.equal(shown, `a/b/c\n  line 5  grants[0]  as written  ${JSON.stringify(FRAGMENT.grants[0])}\n`);
  });

  it("goes up and is destroyed again", async () => {
    const stack = await makeStack(lab.engine, "theirs", { "aws:region": "us-east-1" }, project);
    await ok(lab, stack, "up", "--yes", "--skip-preview");
    const outputs = await outputsOf(lab.engine, stack);
    assert.equal(outputs.where, "us-east-1");
    assert.match(String(outputs.endpoint), /^[\d.]+:40000$/);
    assert.match(lab.tailscale.policy.text, /peer-relay: someone-elses\/theirs\/edge /);
    await ok(lab, stack, "preview", "--expect-no-changes");
    await ok(lab, stack, "destroy", "--yes", "--skip-preview");
    assert.equal(lab.tailscale.policy.text, POLICY);
    assert.deepEqual(await leftovers(lab.aws, "us-east-1"), []);
  });
});
