import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiError } from "./api-error";
import type { Later } from "./devices";
import type { FaultKind, Faults } from "./faults";
import { readCall, send, type Answer, type Call } from "./http";

/** One request in the log: nothing in it is secret (no headers, no bodies, no query). */
export interface LoggedRequest {
  method: string;
  path: string;
  /** 0 when the connection was cut. */
  status: number;
  /** Whether it carried `If-Match`. */
  ifMatch: boolean;
}

/** Listens on the loopback. @returns the server's address and how to stop it, open connections included */
export async function listen(
  port: number,
  answer: (call: Call) => Later<Answer>,
  faults: Faults,
  log: LoggedRequest[],
  now: () => number,
): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    // The clock that clients see is the lab's, not the machine's.
    response.setHeader("Date", new Date(now()).toUTCString());
    void serve(request, response, answer, faults, log);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${address.port}`, close: () => stop(server) };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  answer: (call: Call) => Later<Answer>,
  faults: Faults,
  log: LoggedRequest[],
): Promise<void> {
  const entry = { method: request.method ?? "", path: "", status: 0, ifMatch: "if-match" in request.headers };
  log.push(entry);
  const reply = (a: Answer) => {
    entry.status = a.status ?? 200;
    send(response, a);
  };
  try {
    const call = await readCall(request);
    entry.path = call.path;
    const fault = faults.take(call.method, call.path);
    const own = await ownAnswer(() => answer(call), fault);
    if (fault?.kind === "cut") {
      response.destroy();
      return;
    }
    if (fault?.kind === "act" && fault.when === "answered") response.once("finish", () => void fault.act());
    reply(fault ? changedAnswer(fault, own) : own);
  } catch (error) {
    // A client that hung up mid-body gets no answer; anything else is a bug of the lab and must be seen.
    if (!request.complete) return;
    reply(
      error instanceof ApiError
        ? failure(error)
        : { status: 500, json: { message: `lab: ${String(error)}` } },
    );
  }
}

/** What the endpoint answers, when the fault lets the request get there, and what happens on the way. */
async function ownAnswer(run: () => Later<Answer>, fault: FaultKind | undefined): Promise<Answer> {
  if (fault?.kind === "delay") await sleep(fault.ms);
  if (fault?.kind === "act" && fault.when === "before") await fault.act();
  const own = isStopped(fault) ? {} : await outcome(run);
  if (fault?.kind === "act" && fault.when === "after") await fault.act();
  return own;
}

/** Whether the request never gets to its endpoint. */
function isStopped(fault: FaultKind | undefined): boolean {
  if (fault?.kind === "rate-limit") return true;
  if (fault?.kind === "cut" || fault?.kind === "status" || fault?.kind === "html")
    return fault.when !== "after";
  return false;
}

/** The endpoint's answer, its refusals included. */
async function outcome(run: () => Later<Answer>): Promise<Answer> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof ApiError) return failure(error);
    throw error;
  }
}

function failure(error: ApiError): Answer {
  return { status: error.status, headers: error.headers, json: error.body() };
}

/** What the client gets instead of the endpoint's own answer. */
function changedAnswer(fault: FaultKind, own: Answer): Answer {
  switch (fault.kind) {
    case "rate-limit":
      return {
        status: 429,
        headers: { "Retry-After": String(fault.retryAfterSeconds) },
        json: { message: "too many requests" },
      };
    case "status":
      return { status: fault.status, json: { message: fault.message ?? "internal server error" } };
    case "html":
      return {
        status: fault.status,
        headers: { "Content-Type": "text/html" },
        text: `<html><head><title>${fault.status} Bad Gateway</title></head><body>nginx</body></html>\n`,
      };
    case "etag":
      return { ...own, headers: withEtag(own.headers ?? {}, fault.etag) };
    case "cut":
    case "delay":
    case "act":
      return own;
  }
}

function withEtag(
  { ETag, ...rest }: Record<string, string>,
  etag: "missing" | "weak",
): Record<string, string> {
  return ETag && etag === "weak" ? { ...rest, ETag: `W/${ETag}` } : rest;
}

async function stop(server: Server): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    server.closeAllConnections();
  });
}
