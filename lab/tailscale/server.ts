import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiError } from "./api-error";
import type { Later } from "./devices";
import type { Fault, Faults } from "./faults";
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
    if (fault?.kind === "cut") {
      if (fault.when === "after") await outcome(() => answer(call));
      response.destroy();
      return;
    }
    if (fault?.kind === "delay") await sleep(fault.ms);
    reply((fault && fakeAnswer(fault)) ?? (await outcome(() => answer(call))));
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

/** What the client gets instead of the endpoint's answer. */
function fakeAnswer(fault: Fault): Answer | undefined {
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
    case "cut":
    case "delay":
      return undefined;
  }
}

async function stop(server: Server): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    server.closeAllConnections();
  });
}
