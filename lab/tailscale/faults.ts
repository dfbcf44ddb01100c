/** What goes wrong with a request. */
export type FaultKind =
  /** 429 with `Retry-After`. */
  | { kind: "rate-limit"; retryAfterSeconds: number }
  /** A JSON answer with this status. */
  | { kind: "status"; status: number; message?: string }
  /** A proxy's HTML page instead of JSON. */
  | { kind: "html"; status: number }
  /** The connection breaks: before the server did anything, or after it did and before it answered. */
  | { kind: "cut"; when: "before" | "after" }
  /** The answer comes late. */
  | { kind: "delay"; ms: number };

/** A fault and the requests that it meets. */
export type Fault = FaultKind & {
  /** @default any method */
  method?: string;
  /** Matched against the path without the query, such as `/api/v2/tailnet/-/acl`. @default any path */
  path?: RegExp;
  /** How many requests it meets. @default 1 */
  times?: number;
};

/** Faults that wait for their requests, first come first served. */
export class Faults {
  private waiting: (Fault & { left: number })[] = [];

  add(fault: Fault): void {
    this.waiting.push({ ...fault, left: fault.times ?? 1 });
  }

  clear(): void {
    this.waiting = [];
  }

  /** The fault that this request meets, used up by it. */
  take(method: string, path: string): Fault | undefined {
    const fault = this.waiting.find((f) => (f.method ?? method) === method && (f.path?.test(path) ?? true));
    if (fault && --fault.left === 0) this.waiting = this.waiting.filter((f) => f !== fault);
    return fault;
  }
}
