import assert from "node:assert/strict";
import { conflictDelay, editPolicyFile, type PolicyFileStore, PolicyError } from "../../../components/policy";

/** A file on a server that others may write between our read and our write. */
class FakeStore implements PolicyFileStore {
  readonly calls: string[] = [];
  version = 1;

  constructor(
    public text: string,
    private readonly others: string[] = [],
  ) {}

  read(): Promise<{ text: string; etag: string | undefined }> {
    this.calls.push("read");
    return Promise.resolve({ text: this.text, etag: `"${this.version}"` });
  }

  validate(text: string): Promise<void> {
    this.calls.push(`validate ${text}`);
    return text.includes("bad") ? Promise.reject(new Error("test(s) failed")) : Promise.resolve();
  }

  write(text: string, ifMatch: string): ReturnType<PolicyFileStore["write"]> {
    const other = this.others.shift();
    if (other !== undefined) {
      this.text = other;
      this.version++;
    }
    this.calls.push(`write ${text} if ${ifMatch}`);
    if (ifMatch !== `"${this.version}"`) {
      return Promise.resolve("conflict");
    }
    this.text = text;
    this.version++;
    return Promise.resolve("written");
  }
}

const noWait = { sleep: () => Promise.resolve(), random: () => 0 };

describe("the write protocol", () => {
  it("reads, validates the whole candidate, and writes it with the ETag", async () => {
    const store = new FakeStore("a");
    const result = await editPolicyFile(store, (text) => `${text}+`, noWait);
    assert.deepEqual(
      { result, calls: store.calls },
      {
        result: { text: "a+", changed: true, attempts: 1 },
        calls: ["read", "validate a+", 'write a+ if "1"'],
      },
    );
  });

  it("writes nothing when the edit changes nothing", async () => {
    const store = new FakeStore("a");
    assert.deepEqual(await editPolicyFile(store, (text) => text, noWait), {
      text: "a",
      changed: false,
      attempts: 1,
    });
    assert.deepEqual(store.calls, ["read"]);
  });

  it("starts over from the read when somebody else wrote, and keeps what they wrote", async () => {
    const store = new FakeStore("a", ["b", "c"]);
    const waits: number[] = [];
    const sleep = (ms: number): Promise<void> => Promise.resolve(void waits.push(ms));
    const result = await editPolicyFile(store, (text) => `${text}+`, { sleep, random: () => 0 });
    assert.deepEqual(
      { result, text: store.text, waits, calls: store.calls },
      {
        result: { text: "c+", changed: true, attempts: 3 },
        text: "c+",
        waits: [100, 200],
        calls: [
          ...["read", "validate a+", 'write a+ if "1"'],
          ...["read", "validate b+", 'write b+ if "2"'],
          ...["read", "validate c+", 'write c+ if "3"'],
        ],
      },
    );
  });

  it("is content when somebody else made the very change meanwhile", async () => {
    const store = new FakeStore("a", ["a+"]);
    const result = await editPolicyFile(store, (text) => (text.endsWith("+") ? text : `${text}+`), noWait);
    assert.deepEqual(result, { text: "a+", changed: false, attempts: 2 });
  });

  it("does not edit its own change again when the answer to the write was lost", async () => {
    const store = new FakeStore("a++", ["a+"]);
    const result = await editPolicyFile(store, (text) => text.replace("+", ""), noWait);
    assert.deepEqual(result, { text: "a+", changed: false, attempts: 2 });
  });

  it("says from then on what a write was made from that may have been done", async () => {
    const store = new FakeStore("a", ["b", "c", "d"]);
    const write = store.write.bind(store);
    store.write = async (text, ifMatch) => {
      const outcome = await write(text, ifMatch);
      return outcome === "conflict" && text !== "a+" ? "unclear" : outcome;
    };
    const seen: [string, string | undefined][] = [];
    const edit = (text: string, retryOf?: string): string => {
      seen.push([text, retryOf]);
      return `${text}+`;
    };
    await editPolicyFile(store, edit, noWait);
    assert.deepEqual(seen, [
      ["a", undefined],
      ["b", undefined],
      ["c", "b"],
      ["d", "b"],
    ]);
  });

  it("is no failure when the write failed, but the file has the change; else it is, after one more look", async () => {
    const edit = (text: string): string => (text.endsWith("+") ? text : `${text}+`);
    const lost = new FakeStore("a");
    const failed = new FakeStore("a");
    for (const store of [lost, failed]) {
      store.write = () => {
        store.text = store === lost ? "b, a+" : "b";
        return Promise.reject(new Error("502"));
      };
    }
    const result = { text: "b, a+", changed: false, attempts: 2 };
    assert.deepEqual(await editPolicyFile(lost, edit, noWait), result);
    await assert.rejects(editPolicyFile(failed, edit, noWait), { message: "502" });
    const calls = ["read", "validate a+", "read"];
    assert.deepEqual([lost.calls, failed.calls], [calls, calls]);
  });

  it("looks once more before it gives up: the last write may have been done", async () => {
    const store = new FakeStore("a");
    store.write = (text) => {
      store.text = text;
      return Promise.resolve("unclear");
    };
    const result = await editPolicyFile(store, (text) => `${text}+`, { ...noWait, attempts: 1 });
    assert.deepEqual(result, { text: "a+", changed: false, attempts: 2 });
  });

  it("gives up after thirty conflicts with nothing written, and one look more", async () => {
    const store = new FakeStore(
      "0",
      Array.from({ length: 30 }, (_, i) => `${i + 1}`),
    );
    await assert.rejects(
      editPolicyFile(store, (text) => `${text}+`, noWait),
      {
        name: "PolicyError",
        code: "conflict",
        message: /each time between reading and writing it, 30 times/,
      },
    );
    assert.deepEqual([store.text, store.calls.filter((call) => call === "read").length], ["30", 31]);
  });

  it("fails closed without an ETag", async () => {
    for (const etag of [undefined, ""]) {
      const store = new FakeStore("a");
      store.read = () => Promise.resolve({ text: "a", etag });
      await assert.rejects(
        editPolicyFile(store, (text) => `${text}+`, noWait),
        { code: "no-etag" },
      );
      assert.deepEqual(store.calls, []);
    }
  });

  it("writes nothing when the server refuses the candidate, in the server's words", async () => {
    const store = new FakeStore("a");
    await assert.rejects(
      editPolicyFile(store, () => "bad", noWait),
      { message: "test(s) failed" },
    );
    assert.deepEqual(store.calls, ["read", "validate bad"]);
  });

  it("writes nothing when the edit refuses the file", async () => {
    const store = new FakeStore("a");
    const refuse = (): string => {
      throw new PolicyError("invalid-policy", "no");
    };
    await assert.rejects(editPolicyFile(store, refuse, noWait), { code: "invalid-policy" });
    assert.deepEqual(store.calls, ["read"]);
  });

  it("waits longer after each conflict, up to five seconds, spread by half", () => {
    assert.deepEqual(
      [1, 2, 3, 5, 6, 20].map((attempt) => [conflictDelay(attempt, 0), conflictDelay(attempt, 1)]),
      [
        [100, 200],
        [200, 400],
        [400, 800],
        [1600, 3200],
        [2500, 5000],
        [2500, 5000],
      ],
    );
  });
});
