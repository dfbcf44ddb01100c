import type { IncomingMessage, ServerResponse } from "node:http";
import { ApiError } from "./api-error";

/** A request as the endpoints see it. */
export interface Call {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage["headers"];
  body: string;
}

/** An answer; `json` is rendered, `text` goes out as it is. */
export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  json?: unknown;
  text?: string;
}

const bodyLimitBytes = 16 * 1024 * 1024;

/** Reads the whole request. @throws ApiError 413 */
export async function readCall(request: IncomingMessage): Promise<Call> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyLimitBytes) throw new ApiError(413, "request body too large");
    chunks.push(chunk);
  }
  const url = new URL(request.url ?? "/", "http://lab");
  return {
    method: request.method ?? "GET",
    path: url.pathname,
    query: url.searchParams,
    headers: request.headers,
    body: Buffer.concat(chunks).toString("utf8"),
  };
}

export function send(response: ServerResponse, answer: Answer): void {
  const body = answer.text ?? (answer.json === undefined ? "" : JSON.stringify(answer.json));
  const type = answer.text === undefined ? { "Content-Type": "application/json" } : {};
  response.writeHead(answer.status ?? 200, { ...type, ...answer.headers });
  response.end(body);
}

/** The request's body as JSON. @throws ApiError 400 */
export function jsonBody(call: Call): unknown {
  try {
    return JSON.parse(call.body);
  } catch {
    throw new ApiError(400, "request body is not valid JSON");
  }
}

/** One field of a JSON body, of the type that the endpoint needs. @throws ApiError 400 */
export function field<T>(body: unknown, name: string, is: (v: unknown) => v is T): T {
  const value =
    typeof body === "object" && body !== null ? (body as Record<string, unknown>)[name] : undefined;
  if (!is(value)) throw new ApiError(400, `field "${name}" is missing or has the wrong type`);
  return value;
}

export const isString = (v: unknown): v is string => typeof v === "string";
export const isBoolean = (v: unknown): v is boolean => typeof v === "boolean";
export const isStrings = (v: unknown): v is string[] => Array.isArray(v) && v.every(isString);
