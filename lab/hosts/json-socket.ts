import { connect, type Socket } from "node:net";

type Message = Record<string, unknown>;

/** A local socket on which both sides write one JSON object a line, as qemu and its guest agent do. */
export class JsonSocket {
  private waiting: ((message: Message) => boolean)[] = [];
  private text = "";

  private constructor(private readonly socket: Socket) {
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = (this.text + chunk).split("\n");
      this.text = lines.pop() ?? "";
      lines.forEach((line) => this.take(line));
    });
    socket.on("error", () => undefined); // whoever waits gets to its time limit
  }

  /** @throws when nobody listens */
  static open(path: string): Promise<JsonSocket> {
    return new Promise((resolve, reject) => {
      const socket = connect(path, () => {
        socket.off("error", reject);
        resolve(new JsonSocket(socket));
      });
      socket.once("error", reject);
    });
  }

  private take(line: string): void {
    let message: Message;
    try {
      // The agent marks a new beginning by a byte that is none of JSON's.
      message = JSON.parse(line.replace(/^\uFFFD/, "")) as Message;
    } catch {
      return;
    }
    this.waiting = this.waiting.filter((wants) => !wants(message));
  }

  /** Calls back with every message that has the key. */
  on(key: string, callback: (message: Message) => void): void {
    this.waiting.push((message) => {
      if (key in message) callback(message);
      return false;
    });
  }

  /**
   * Sends a request.
   * @returns the answer's `return`
   * @throws when it is an error, or there is none in time
   */
  ask(execute: string, parameters: object = {}, timeoutMs = 10_000): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${execute}: no answer`)), timeoutMs);
      this.waiting.push((message) => {
        if (!("return" in message) && !("error" in message)) return false;
        clearTimeout(timer);
        if ("return" in message) resolve(message.return);
        else reject(new Error(`${execute}: ${JSON.stringify(message.error)}`));
        return true;
      });
      this.socket.write(`${JSON.stringify({ execute, arguments: parameters })}\n`);
    });
  }

  close(): void {
    this.socket.destroy();
  }
}
