import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { whyNoHosts } from "../../../lab/hosts/possible";

describe("what instances need of a machine", () => {
  const path = process.env.PATH;
  const empty = mkdtempSync(join(tmpdir(), "no-programs-"));
  after(() => rmSync(empty, { recursive: true }));
  afterEach(() => (process.env.PATH = path));

  it("is told by name where it lacks, also to an ordinary user", function () {
    if (process.platform !== "linux") this.skip();
    process.env.PATH = empty;
    assert.match(
      whyNoHosts("process") ?? "",
      /^instances cannot be booted without nft, ip, sysctl, unshare, nsenter, mount, umount, pivot_root\b/,
    );
  });
});
