import { readlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { startInternet } from "../../lab/internet";

/*
 * A lab in a process of its own, for those tests that need two: a host that answers with a word. For each line of
 * input it asks the host and prints the answer; it ends with its input.
 * usage: enter.sh node --import tsx small-lab.ts WORD
 */
const ask =
  "for i in $(seq 100); do exec 3<>/dev/tcp/203.0.113.40/80 && cat <&3 && exit; sleep 0.1; done; exit 1";
const answer = `require("net").createServer((s) => s.end(process.argv[1])).listen(80)`;

async function main(): Promise<void> {
  const dir = tmpdir();
  const internet = await startInternet({ dir });
  const web = await internet.attach("web", ["203.0.113.40"]);
  web.spawn(["node", "-e", answer, process.argv[2] ?? ""], { log: join(dir, "web.log") });
  console.log(JSON.stringify({ dir, namespace: readlinkSync("/proc/self/ns/net") }));
  const lines = createInterface(process.stdin)[Symbol.asyncIterator]();
  while (!(await lines.next()).done) console.log(await internet.ns("control").must(["bash", "-c", ask]));
  await internet.close();
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
