import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished, setupShell, startSetupShell } from "./shell";

const ARCHIVE = "what the vendor offers\n";
const ARCHIVE_SHA256 = createHash("sha256").update(ARCHIVE).digest("hex");

/** Waits until a process that is not our child is gone; init may take a moment to bury it. */
async function ended(pid: number): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    try {
      process.kill(pid, 0);
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, "ESRCH");
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail(`process ${pid} is still there`);
}

describe("The set-up's shared functions", () => {
  let cache: string;
  beforeEach(async () => {
    cache = await mkdtemp(join(tmpdir(), "peer-relay-setup-"));
  });
  afterEach(() => rm(cache, { recursive: true, force: true }));

  it("compare versions number by number", async () => {
    const pairs = [
      "1.10.0 1.9.9",
      "3.259.0 3.259.0",
      "22.1 22.0.0",
      "1.102.3 1.102.4",
      "3 3.11",
      "v 1",
      "'' 1",
      "08.1 8.2",
    ];
    const script = pairs.map((pair) => `at_least ${pair} && echo yes || echo no`).join("\n");
    const { out } = await setupShell(script, cache);
    assert.deepEqual(out.trim().split("\n"), ["yes", "yes", "yes", "no", "no", "no", "no", "no"]);
  });

  it("find the version in what a program prints", async () => {
    const texts = ["v3.259.0", "go version go1.26.8 linux/amd64", "Python 3.11.7", "1.102.3-ERR", "dev", ""];
    const script = texts.map((text) => `echo "[$(first_version '${text}')]"`).join("\n");
    const { out } = await setupShell(script, cache);
    assert.deepEqual(out.trim().split("\n"), ["[3.259.0]", "[1.26.8]", "[3.11.7]", "[1.102.3]", "[]", "[]"]);
  });

  it("give one of two set-ups at the same time the lock, and let the other wait", async () => {
    const log = join(cache, "order");
    const work = (name: string) =>
      `job() { echo ${name} >>${log}; sleep 0.5; echo ${name} >>${log}; }; with_lock t job`;
    const results = await Promise.all([setupShell(work("a"), cache), setupShell(work("b"), cache)]);
    const order = (await readFile(log, "utf8")).trim().split("\n");
    assert.deepEqual(
      {
        statuses: results.map((result) => result.status),
        pairs: [order[0] === order[1], order[2] === order[3]],
      },
      { statuses: [0, 0], pairs: [true, true] },
    );
    assert.match(results.map((result) => result.err).join(""), /another set-up is at it; waiting/);
  });

  it("stop at the first command that fails inside the lock", async () => {
    const { status, out } = await setupShell("job() { false; echo went on; }; with_lock t job", cache);
    assert.deepEqual({ status, out }, { status: 1, out: "" });
  });

  it("end all that a long job started, and clear its stage, on an interrupt", async () => {
    const child = startSetupShell(
      'stage_new tool; job() { sleep 60 & echo "$!"; wait; }; with_progress x "$CACHE/log" last_line job',
      cache,
    );
    const end = finished(child);
    let inner = "";
    while (inner === "") {
      await new Promise((resolve) => setTimeout(resolve, 50));
      inner = await readFile(join(cache, "log"), "utf8").catch(() => "");
    }
    child.kill("SIGINT");
    const { status, err } = await end;
    assert.deepEqual({ status, stages: await readdir(join(cache, "tmp")) }, { status: 130, stages: [] });
    assert.match(err, /interrupted/);
    await ended(Number(inner));
  });

  it("clear what a killed run left behind, and nothing of other tools", async () => {
    const script = 'mkdir -p "$CACHE"/tmp/{tool.old,tool-b.old}; stage_new tool; ls "$CACHE/tmp"';
    const { out } = await setupShell(script, cache);
    assert.match(out, /^tool-b\.old\ntool\.\w{6}\n$/);
  });

  describe("downloading", () => {
    let server: Server;
    let base: string;
    before(async () => {
      const sums = `${"0".repeat(64)}  other.tgz\n${ARCHIVE_SHA256}  good.tgz\n`;
      const files: Record<string, string> = {
        "/good.tgz": ARCHIVE,
        "/changed.tgz": `${ARCHIVE}and more`,
        "/sums": sums,
        "/changed.sums": `${ARCHIVE_SHA256}  changed.tgz\n`,
        "/bare.sum": ARCHIVE_SHA256,
      };
      server = createServer((request, response) => {
        const body = files[request.url ?? ""];
        response.writeHead(body === undefined ? 404 : 200).end(body);
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    after(() => server.close());

    const get = (file: string, sums: string) =>
      setupShell(
        `fetch ${base}/${file} "$CACHE/${file}" || { echo unreachable; ls "$CACHE"; exit; }
         verify "$CACHE/${file}" ${base}/${sums}; cat "$CACHE/${file}"`,
        cache,
      );

    for (const [what, file, sums] of [
      ["a list of checksums", "good.tgz", "sums"],
      ["a bare checksum", "good.tgz", "bare.sum"],
    ] as const) {
      it(`takes a file that agrees with ${what}`, async () => {
        const { status, out } = await get(file, sums);
        assert.deepEqual({ status, out }, { status: 0, out: ARCHIVE });
      });
    }

    it("refuses a file with another checksum", async () => {
      const { status, out, err } = await get("changed.tgz", "changed.sums");
      assert.deepEqual({ status, out }, { status: 1, out: "" });
      assert.match(err, /changed\.tgz: checksum is not the vendor's/);
    });

    it("refuses a file that the vendor's list does not name", async () => {
      const { status, err } = await get("changed.tgz", "sums");
      assert.equal(status, 1);
      assert.match(err, /\(not listed\); nothing was installed/);
    });

    it("says so when the vendor's list cannot be read, and leaves it to the version check", async () => {
      const { status, err } = await get("good.tgz", "gone.sums");
      assert.equal(status, 0);
      assert.match(err, /checksums could not be read/);
    });

    it("leaves nothing behind for a file that is not there", async () => {
      const { status, out } = await get("gone.tgz", "sums");
      assert.deepEqual({ status, out }, { status: 0, out: "unreachable\n" });
    });

    it("can be switched off", async () => {
      const { out } = await setupShell(
        `PEER_RELAY_DOWNLOADS=no; fetch ${base}/good.tgz "$CACHE/f" || echo off`,
        cache,
      );
      assert.equal(out, "off\n");
    });
  });
});
