import { createCipheriv, createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunningProcess, TailnetClient } from "../../lab/internet";
import { until } from "../../lab/internet/wait";

const PORT = 5201;
/** About 16 Mbit/s, so that a transfer lasts long enough for something to happen in the middle of it. */
const CHUNK = 50_000;
const CHUNK_MS = 25;

/** The same bytes each time, which no compression or repetition could fake. */
const KEYSTREAM = `require("crypto").createCipheriv("aes-128-ctr", Buffer.alloc(16, 7), Buffer.alloc(16))`;

const sender = (address: string, bytes: number) => `
const stream = () => ${KEYSTREAM};
require("net").createServer((socket) => {
  const key = stream();
  let left = ${bytes};
  socket.on("error", () => {});
  const timer = setInterval(() => {
    if (socket.writableLength > ${CHUNK * 20}) return;
    const size = Math.min(left, ${CHUNK});
    left -= size;
    if (size > 0) socket.write(key.update(Buffer.alloc(size)));
    else { clearInterval(timer); socket.end(); }
  }, ${CHUNK_MS});
  socket.on("close", () => clearInterval(timer));
}).listen(${PORT}, ${JSON.stringify(address)}, () => console.log("listening"));
`;

/** Each line: milliseconds, bytes so far. */
const receiver = (address: string) => `
const hash = require("crypto").createHash("sha256");
let bytes = 0;
const socket = require("net").connect(${PORT}, ${JSON.stringify(address)});
socket.on("data", (data) => { hash.update(data); bytes += data.length; console.log(Date.now() + " " + bytes); });
socket.on("end", () => { console.log("sha256 " + hash.digest("hex")); process.exit(0); });
socket.on("error", (error) => { console.log("error " + error.message); process.exit(1); });
`;

/** A TCP connection in the tailnet on which bytes flow at a steady pace. */
export class Transfer {
  private constructor(
    private readonly bytes: number,
    private readonly source: RunningProcess,
    private readonly sink: RunningProcess,
    private readonly log: string,
  ) {}

  /** Needs clients with a real tun device. */
  static async start(from: TailnetClient, to: TailnetClient, bytes: number): Promise<Transfer> {
    const name = `transfer-${from.name}-${to.name}-${Date.now()}`;
    const [sourceLog, sinkLog] = ["source", "sink"].map((end) => join(tmpdir(), `${name}-${end}.log`));
    const source = from.ns.spawn(["node", "-e", sender(from.ip4, bytes)], { log: sourceLog! });
    const listens = () => readFileSync(sourceLog!, "utf8").includes("listening");
    await until(
      "the sender listens",
      20,
      () => {
        if (!source.running) throw new Error(source.lastWords());
        return listens();
      },
      () => source.lastWords(),
    );
    const sink = to.ns.spawn(["node", "-e", receiver(from.ip4)], { log: sinkLog! });
    return new Transfer(bytes, source, sink, sinkLog!);
  }

  private arrivals(): { at: number; bytes: number }[] {
    const lines = readFileSync(this.log, "utf8").matchAll(/^(\d+) (\d+)$/gm);
    return [...lines].map(([, at, bytes]) => ({ at: Number(at), bytes: Number(bytes) }));
  }

  /** Waits until so many bytes have arrived. */
  async reaches(bytes: number, seconds = 30): Promise<void> {
    const there = () => (this.arrivals().at(-1)?.bytes ?? 0) >= bytes;
    await until(`${bytes} bytes have arrived`, seconds, there, () => this.sink.lastWords());
  }

  /**
   * Waits for the end.
   * @returns whether every byte has arrived as it was sent, and the longest silence in seconds
   */
  async end(seconds = 120): Promise<{ intact: boolean; longestGap: number }> {
    try {
      await until(
        "the transfer ends",
        seconds,
        () => !this.sink.running,
        () => this.sink.lastWords(),
      );
    } finally {
      await this.sink.kill();
      await this.source.kill();
    }
    const got = /^sha256 (\w+)$/m.exec(readFileSync(this.log, "utf8"))?.[1];
    const times = this.arrivals().map(({ at }) => at);
    const gaps = times.slice(1).map((at, i) => at - (times[i] ?? at));
    return { intact: got === expectedHash(this.bytes), longestGap: Math.max(0, ...gaps) / 1000 };
  }
}

function expectedHash(bytes: number): string {
  const key = createCipheriv("aes-128-ctr", Buffer.alloc(16, 7), Buffer.alloc(16));
  return createHash("sha256")
    .update(key.update(Buffer.alloc(bytes)))
    .digest("hex");
}
