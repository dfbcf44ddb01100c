/** What goes wrong with a request. */
export type FaultKind =
  /** 429 with `Retry-After`. */
  | { kind: "rate-limit"; retryAfterSeconds: number }
  /** A JSON answer with this status, in place of the server's own. @default `when`: before */
  | { kind: "status"; status: number; message?: string; when?: Moment }
  /** A proxy's HTML page instead of JSON. */
  | { kind: "html"; status: number; when?: Moment }
  /** The connection breaks: before the server did anything, or after it did and before it answered. */
  | { kind: "cut"; when: Moment }
  /** The answer comes late. */
  | { kind: "delay"; ms: number }
  /** The answer's ETag is not there, or a weak one. */
  | { kind: "etag"; etag: "missing" | "weak" }
  /** Something else happens at this moment, such as somebody's edit, or a kill. */
  | { kind: "act"; when: Moment | "answered"; act: () => void | Promise<void> };

/** Before the server did anything about a request, or when it has and before it answers. */
type Moment = "before" | "after";

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
  /** Asked about each request that no waiting fault meets. @default none */
  byChance?: (method: string, path: string) => FaultKind | undefined;
  private waiting: (Fault & { left: number })[] = [];

  add(fault: Fault): void {
    this.waiting.push({ ...fault, left: fault.times ?? 1 });
  }

  clear(): void {
    this.waiting = [];
    this.byChance = undefined;
  }

  /** The fault that this request meets, used up by it. */
  take(method: string, path: string): FaultKind | undefined {
    const fault = this.waiting.find((f) => (f.method ?? method) === method && (f.path?.test(path) ?? true));
    if (fault && --fault.left === 0) this.waiting = this.waiting.filter((f) => f !== fault);
    return fault ?? this.byChance?.(method, path);
  }
}
