import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";

/** What a relay's console tells. */
export interface ConsoleState {
  state: "booting" | "online" | "failing";
  joins: number;
  problem?: string;
}

/** Follows a machine's console file, and what the bootstrap prints there. */
export class ConsoleFollower {
  private offset = 0;
  private partial = "";
  private readonly decoder = new StringDecoder("utf8");
  private joining = false;
  private current: ConsoleState = { state: "booting", joins: 0 };

  constructor(private readonly file: string) {}

  /** A new boot: what was, is over. */
  reset(): void {
    this.read();
    this.current = { state: "booting", joins: this.current.joins };
  }

  /** Reads what is new. */
  read(): ConsoleState {
    if (existsSync(this.file)) {
      const fd = openSync(this.file, "r");
      const fresh = Buffer.alloc(fstatSync(fd).size - this.offset);
      this.offset += readSync(fd, fresh, 0, fresh.length, this.offset);
      closeSync(fd);
      const lines = (this.partial + this.decoder.write(fresh)).split("\n");
      this.partial = lines.pop() ?? "";
      lines.forEach((line) => this.take(line));
    }
    return this.current;
  }

  private take(line: string): void {
    const text = /peer-relay: (.*?)\r?$/.exec(line)?.[1];
    if (text === undefined) return;
    const { joins } = this.current;
    if (text.startsWith("join: tailscale up as ")) this.joining = true;
    else if (text.startsWith("error: ")) {
      this.joining = false;
      this.current = { state: "failing", joins, problem: text.slice("error: ".length) };
    } else if (text.startsWith("health: not ready")) {
      this.current = { state: "failing", joins, problem: text };
    } else if (this.joining && text.startsWith("relay: ")) {
      this.joining = false;
      this.current = { ...this.current, joins: joins + 1 };
    } else if (text.startsWith("ready: ") || text === "health: repaired") {
      this.current = { state: "online", joins };
    }
  }

  lines(): string[] {
    const text = existsSync(this.file) ? readFileSync(this.file, "utf8") : "";
    return text.split(/\r?\n/).filter((line) => line !== "");
  }
}
