import { PolicyError } from "./policy-error";

/** The tailnet's policy file on its server, as {@link editPolicyFile} needs it. */
export interface PolicyFileStore {
  /** The raw text and its ETag, unchanged, quotes included; undefined when the server sent none. */
  read(): Promise<{ text: string; etag: string | undefined }>;
  /** Has the server check a whole candidate, its tests included; throws with the server's words. */
  validate(text: string): Promise<void>;
  /**
   * Writes only if the file still has this ETag (`If-Match`); `conflict` when it has not (HTTP 412), `unclear` when that
   * may be because this very write was done before and its answer lost.
   */
  write(text: string, ifMatch: string): Promise<"written" | "conflict" | "unclear">;
}

export interface EditPolicyFileOptions {
  /** How often to try, others' writes in between. @default 30 */
  attempts?: number;
  /** Waits, in milliseconds. @default a timer */
  sleep?: (ms: number) => Promise<void>;
  /** 0 up to 1, spreads the waits of stacks that run at the same time. @default Math.random */
  random?: () => number;
}

/**
 * Edits the tailnet's one policy file without losing anybody's change: read, edit, let the server check the whole
 * candidate, write with `If-Match`, and start over from the read when somebody wrote in between. Never writes without
 * a condition, never what was not checked, and not at all when the edit changes nothing. A write that failed, but is
 * in the file all the same, is none that failed.
 *
 * @param edit text in, text out; called again with the new text after each conflict, and once it is not known whether a
 *   write of ours was done, with the text that this write was made from
 * @returns `text`: what the file says now; `attempts`: how many reads that took
 * @throws PolicyError `no-etag` or `conflict`; and whatever `edit` and the store throw
 */
export async function editPolicyFile(
  store: PolicyFileStore,
  edit: (text: string, retryOf?: string) => string,
  options: EditPolicyFileOptions = {},
): Promise<{ text: string; changed: boolean; attempts: number }> {
  const attempts = options.attempts ?? 30;
  const sleep = options.sleep ?? ((ms: number) => new Promise<void>((done) => setTimeout(done, ms)));
  const random = options.random ?? Math.random;
  let sent: string | undefined;
  let retryOf: string | undefined;
  let failure: Error | undefined;
  for (let attempt = 1; ; attempt++) {
    const { text, etag } = await store.read();
    // Text that we sent ourselves is not edited a second time, whatever the edit would find in it.
    const candidate = text === sent ? text : edit(text, retryOf);
    if (candidate === text) {
      return { text, changed: false, attempts: attempt };
    }
    if (failure) throw failure;
    if (attempt > attempts) {
      throw new PolicyError(
        "conflict",
        `the policy file was changed by others each time between reading and writing it, ${attempts} times; try again later`,
      );
    }
    if (!etag) {
      throw new PolicyError(
        "no-etag",
        "the server sent the policy file without an ETag, so a change by others could not be noticed; nothing was changed",
      );
    }
    await store.validate(candidate);
    sent = candidate;
    const outcome = await store.write(candidate, etag).catch((error: Error) => error);
    if (outcome === "written") {
      return { text: candidate, changed: true, attempts: attempt };
    }
    // A write whose answer was lost is sent again and refused: the file has changed, by us. To edit that afresh would be
    // a second removal, which finds nothing of ours and takes a grant that says the same for one without its marker.
    if (outcome !== "conflict") retryOf ??= text;
    if (typeof outcome !== "string") failure = outcome;
    await sleep(conflictDelay(attempt, random()));
  }
}

/** Milliseconds to wait after a conflict: 0.2 s, doubling up to 5 s, of which a random half to all is waited. */
export function conflictDelay(attempt: number, random: number): number {
  return Math.round(Math.min(5000, 200 * 2 ** (attempt - 1)) * (0.5 + random / 2));
}
