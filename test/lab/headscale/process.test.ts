import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startHeadscale } from "../../../lab/headscale";
import { until } from "./node";
import { unreachableDerp } from "./world";

describe("a headscale process", () => {
  let dir: string;
  let derpMapFile: string;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "peer-relay-headscale-"));
    derpMapFile = join(dir, "derp.yaml");
    writeFileSync(derpMapFile, unreachableDerp);
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true, maxRetries: 3 }));

  const options = () => ({ dir, address: "127.0.0.1", port: 0, derpMapFile });

  it("serves both families of addresses under one certificate", async () => {
    const headscale = await startHeadscale({ ...options(), otherAddresses: ["::1"] });
    try {
      const ca = readFileSync(headscale.caFile);
      const certificate = new X509Certificate(ca);
      const addresses = ["127.0.0.1", "::1", "127.0.0.2"].map((address) => certificate.checkIP(address));
      const urls = [headscale.url, headscale.url.replace("127.0.0.1", "[::1]")];
      const answered = await Promise.all(urls.map((url) => answers(url, ca)));
      assert.deepEqual(
        [answered, addresses],
        [
          [true, true],
          ["127.0.0.1", "::1", undefined],
        ],
      );
    } finally {
      await headscale.close();
    }
  });

  it("that does not start says why", async () => {
    writeFileSync(derpMapFile, "regions: [");
    await assert.rejects(
      startHeadscale(options()),
      /^Error: headscale did not start \(it ended with exit code 1\); .*headscale\.log ends with:\n[^]*derp/i,
    );
    await assert.rejects(startHeadscale({ ...options(), binary: "no-such-headscale" }), /No such file/);
  });

  it("ends with the process that started it, even when that is killed", async () => {
    const script = `
      import { startHeadscale } from ${JSON.stringify(join(__dirname, "../../../lab/headscale"))};
      void startHeadscale(${JSON.stringify(options())}).then(({ url, caFile }) => console.log(url, caFile));`;
    const parent = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", script]);
    const line = await new Promise<string>((resolve, reject) => {
      parent.stdout.once("data", (data: Buffer) => resolve(data.toString()));
      parent.once("exit", (code) => reject(new Error(`the process ended with ${code}`)));
    });
    const [url = "", caFile = ""] = line.trim().split(" ");
    const ca = readFileSync(caFile);
    assert.equal(await answers(url, ca), true);
    parent.kill("SIGKILL");
    await until("headscale is gone", async () => !(await answers(url, ca)));
  });
});

/** Whether it serves; the certificate must be this one, its names are looked at elsewhere: Node 22.23 knows no IPv6 ones. */
function answers(url: string, ca: Buffer): Promise<boolean> {
  const options = { ca, agent: false, checkServerIdentity: () => undefined };
  return new Promise((resolve) => {
    get(`${url}/health`, options, (r) => resolve(r.resume().statusCode === 200)).on("error", () =>
      resolve(false),
    );
  });
}
