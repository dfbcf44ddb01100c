import assert from "node:assert/strict";
import { cpuTicks, secondsPerGbit, startedAt } from "../../../lab/bench/cpu";

/** As in proc(5): utime is field 14, stime 15, starttime 22. */
const stat = (name: string) =>
  `1383 (${name}) S 1 1383 1383 0 -1 4194560 9000 0 12 0 250 1050 3 4 20 0 11 0 82797 1290000000 19000`;

describe("What /proc tells of a process", () => {
  it("is the time it has used, in user mode and in the kernel, whatever it is called", () => {
    assert.deepEqual(
      ["tailscaled", "a (b) c) d"].map((name) => cpuTicks(stat(name))),
      [1300, 1300],
    );
  });

  it("is when it started", () => {
    const now = Date.parse("2026-11-25T12:00:00Z");
    assert.equal(startedAt(stat("systemd"), "837.97 1200.00", now, 100), now - 10_000);
  });

  it("is an error when it is something else", () => {
    assert.throws(() => cpuTicks("cat: /proc/0/stat: No such file"), /not what \/proc has: cat:/);
    assert.throws(() => startedAt(stat("systemd"), "", 0, 100), /not what \/proc has/);
  });

  it("gives the seconds for a gigabit", () => {
    assert.equal(secondsPerGbit(130, 100, 0.65e9 * (10 / 8)), 0.2);
  });
});
