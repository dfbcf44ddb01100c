import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConsoleFollower } from "../../../lab/hosts/console";

describe("a machine's console", () => {
  const dir = mkdtempSync(join(tmpdir(), "peer-relay-console-"));
  after(() => rmSync(dir, { recursive: true }));

  it("tells how the relay is doing, line by line, as they are complete", () => {
    const file = join(dir, "console");
    const follower = new ConsoleFollower(file);
    const after = (text: string) => (appendFileSync(file, text), follower.read());
    assert.deepEqual(
      [
        follower.read(),
        after("[  1.0] bootstrap[7]: peer-relay: error: auth: no"),
        after(" role\r\n"),
        after("peer-relay: join: tailscale up as relay\r\n"),
        after("peer-relay: relay: tailscale set --relay-server-port=40000\r\n"),
        after("peer-relay: ready: relay relays on UDP 40000\r\n"),
        after("peer-relay: health: not ready (1): no relay on UDP 40000\r\n"),
        after("peer-relay: health: repaired\r\n"),
      ],
      [
        { state: "booting", joins: 0 },
        { state: "booting", joins: 0 },
        { state: "failing", joins: 0, problem: "auth: no role" },
        { state: "failing", joins: 0, problem: "auth: no role" },
        { state: "failing", joins: 1, problem: "auth: no role" },
        { state: "online", joins: 1 },
        { state: "failing", joins: 1, problem: "health: not ready (1): no relay on UDP 40000" },
        { state: "online", joins: 1 },
      ],
    );
    follower.reset();
    assert.deepEqual(
      [follower.read(), follower.lines().at(-1)],
      [{ state: "booting", joins: 1 }, "peer-relay: health: repaired"],
    );
  });
});
