import assert from "node:assert/strict";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Bin, itOnTerminal, json } from "./bin";
import { fragment, merged, OWNER, policy } from "./fragments";

describe("peer-relay policy, with a file on disk", () => {
  let bin: Bin;
  let dir: string;
  let file: string;

  before(async () => {
    bin = await Bin.build();
  });
  after(() => bin.close());
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "peer-relay-policy-"));
    file = join(dir, "policy.hujson");
    writeFileSync(file, policy);
    writeFileSync(join(dir, "relay.json"), JSON.stringify([fragment]));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const run = (...args: string[]) => bin.run(["policy", ...args], { cwd: dir });
  const text = () => readFileSync(file, "utf8");

  it("merges a fragment in, checks it, and takes it out again", async () => {
    const on = ["--file", "policy.hujson"];
    const of = ["--fragment", "relay.json", ...on];
    const codes = [
      (await run("check", ...of)).code,
      (await run("plan", ...of)).code,
      (await run("apply", ...of, "--yes")).code,
    ];
    const applied = text();
    codes.push((await run("plan", ...of)).code, (await run("check", ...of)).code);
    const shown = json(await run("show", ...on, "--json")) as { target: string; owners: { owner: string }[] };
    codes.push((await run("remove", ...on, "--owner", OWNER, "--yes")).code);
    assert.deepEqual([codes, applied, text()], [[3, 2, 0, 0, 0, 0], merged, policy]);
    assert.deepEqual([shown.target, shown.owners.map(({ owner }) => owner)], ["policy.hujson", [OWNER]]);
    assert.deepEqual(readdirSync(dir).sort(), ["policy.hujson", "relay.json"]);
  });

  it("keeps the mode, a link to the file, and every byte of others", async () => {
    const others = `\uFEFF${policy.replace(/\n/g, "\r\n")}`;
    mkdirSync(join(dir, "etc"));
    symlinkSync("../policy.hujson", join(dir, "etc/link"));
    writeFileSync(file, others);
    chmodSync(file, 0o640);
    const inode = statSync(file).ino;
    const { code, err } = await run("apply", "--fragment", "relay.json", "--file", "etc/link", "--yes");
    assert.deepEqual([code, err], [0, "written to etc/link\n"]);
    assert.equal(text(), `\uFEFF${merged.replace(/\n/g, "\r\n")}`);
    assert.deepEqual(
      [
        statSync(file).mode & 0o7777,
        lstatSync(join(dir, "etc/link")).isSymbolicLink(),
        statSync(file).ino === inode,
      ],
      [0o640, true, false],
    );
  });

  itOnTerminal("stops when the file changes between the diff and the write", async () => {
    const args = ["policy", "apply", "--fragment", "relay.json", "--file", "policy.hujson"];
    const answer = async () => {
      writeFileSync(file, `// theirs\n${policy}`);
      return "y\r";
    };
    const { code, out } = await bin.onTerminal(args, answer, { cwd: dir });
    assert.deepEqual([code, text()], [6, `// theirs\n${policy}`], out);
    assert.match(out, /policy\.hujson was changed by others meanwhile; nothing was written/);
  });

  itOnTerminal("shows nothing to a terminal that it would obey", async () => {
    writeFileSync(file, policy.replace("// for now", "// \u001b[2K\u202e for now"));
    const args = ["policy", "plan", "--fragment", "relay.json", "--file", "policy.hujson"];
    const { code, out } = await bin.onTerminal(args, async () => "", { cwd: dir });
    assert.equal(code, 2);
    assert.match(out, /\/\/ \\u001b\[2K\\u202e for now/);
  });

  const wrong: [string, string, Buffer | string | undefined, RegExp][] = [
    [
      "is not there",
      "none.hujson",
      undefined,
      /^peer-relay: cannot read none\.hujson: no such file or directory\n$/,
    ],
    ["is a folder", "folder", undefined, /^peer-relay: cannot read folder: it is not a regular file\n$/],
    [
      "is no HuJSON",
      "bad.hujson",
      '{"grants": [}',
      /^peer-relay: the policy file is not valid HuJSON .* at line 1, column 13; nothing was changed\n$/,
    ],
    [
      "is no UTF-8",
      "latin.hujson",
      Buffer.from([0x7b, 0xe9, 0x7d]),
      /^peer-relay: cannot read latin\.hujson: it is not UTF-8 text\n$/,
    ],
  ];
  for (const [name, path, content, message] of wrong) {
    it(`says so when the file ${name}`, async () => {
      mkdirSync(join(dir, "folder"));
      if (content !== undefined) writeFileSync(join(dir, path), content);
      const { code, out, err } = await run("apply", "--fragment", "relay.json", "--file", path, "--yes");
      assert.match(err, message);
      assert.deepEqual([code, out], [1, ""]);
      if (content !== undefined) assert.deepEqual(readFileSync(join(dir, path)), Buffer.from(content));
    });
  }
});
