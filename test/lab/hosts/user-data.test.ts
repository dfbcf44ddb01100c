import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { userDataScript } from "../../../lab/hosts/process/user-data";

describe("the user data of an instance that is a process", () => {
  const script = (text: string) => userDataScript(Buffer.from(text));

  it("becomes files and commands, as cloud-init makes them of it", () => {
    const dir = mkdtempSync(join(tmpdir(), "user-data-"));
    try {
      const userData = `#cloud-config
write_files:
  - path: ${dir}/new/it's here
    permissions: "0755"
    encoding: gz+b64
    content: ${gzipSync("#!/bin/sh\necho run with $#: $1\n").toString("base64")}
  - path: ${dir}/plain
    content: |
      one
        $two
runcmd:
  - ["false"]
  - ["${dir}/new/it's here", "a 'b' $HOME"]
  - echo shell $((1 + 1))
`;
      const ran = spawnSync("sh", { input: script(userData), encoding: "utf8" });
      const mode = (name: string) => (statSync(join(dir, name)).mode & 0o777).toString(8);
      assert.deepEqual(
        [
          ran.stdout,
          ran.status,
          readFileSync(join(dir, "plain"), "utf8"),
          mode("plain"),
          mode("new/it's here"),
        ],
        ["run with 1: a 'b' $HOME\nshell 2\n", 0, "one\n  $two\n", "644", "755"],
      );
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  const refused: [what: string, text: string, problem: RegExp][] = [
    ["is a script", "#!/bin/sh\ntrue\n", /user data is no cloud-config/],
    [
      "has a key that nothing here does",
      "#cloud-config\npackages: [vim]\n",
      /user data has packages, which nothing/,
    ],
    [
      "has a file for someone",
      "#cloud-config\nwrite_files: [{path: /a, owner: x}]\n",
      /write_files \/a: owner does nothing/,
    ],
    ["has a file without a path", "#cloud-config\nwrite_files: [{content: x}]\n", /a path is missing/],
    [
      "has odd permissions",
      "#cloud-config\nwrite_files: [{path: /a, permissions: rwx}]\n",
      /rwx are no permissions/,
    ],
    [
      "has an odd encoding",
      "#cloud-config\nwrite_files: [{path: /a, encoding: rot13}]\n",
      /unknown encoding "rot13"/,
    ],
    ["has an odd command", "#cloud-config\nruncmd: [{a: 1}]\n", /neither a text nor a list/],
    ["is larger than EC2 takes", `#cloud-config\n# ${"x".repeat(16_384)}\n`, /EC2 takes 16384/],
  ];
  for (const [what, text, problem] of refused) {
    it(`is refused when it ${what}`, () => assert.throws(() => script(text), problem));
  }
});
