import type { PolicyFileStore } from "../../components/policy";
import { pageWords } from "../../components/tailnet/client";
import { CliError } from "../errors";
import { hash } from "./file-store";

const TIMEOUT_MS = 30_000;

interface Answer {
  status: number;
  body: { policy?: unknown; message?: unknown };
}

/**
 * headscale's policy behind its REST API, which has neither ETag nor a conditional write. The text stands for an ETag:
 * it is read again right before the write, and once more after it. What somebody else writes in the moment
 * between the first of the two and the write is lost, and nobody can notice; that ours was overwritten is noticed.
 */
export function headscaleStore(url: string, apiKey: string): PolicyFileStore {
  const send = (method: string, path: string, body?: unknown) => request(url, apiKey, method, path, body);
  const readText = async (): Promise<string> => {
    const { status, body } = await send("GET", "/policy");
    if (status === 200 && typeof body.policy === "string") return body.policy;
    // Before the first policy everything is allowed, as by an empty one.
    if (/policy not found/.test(words(body))) return "{}\n";
    throw failure("GET /api/v1/policy", status, body);
  };
  return {
    async read() {
      const text = await readText();
      return { text, etag: hash(text) };
    },
    async validate(policy) {
      const { status, body } = await send("POST", "/policy/check", { policy });
      // Older ones have no such check: there the write itself is refused.
      if (status === 200 || status === 404 || status === 501) return;
      if (status === 401 || status === 403) throw failure("POST /api/v1/policy/check", status, body);
      throw new CliError("refused", `headscale refused the policy: ${words(body)}`);
    },
    async write(policy, ifMatch) {
      if (hash(await readText()) !== ifMatch) return "conflict";
      const { status, body } = await send("PUT", "/policy", { policy });
      if (status === 401 || status === 403) throw failure("PUT /api/v1/policy", status, body);
      if (status !== 200)
        throw new CliError("refused", `headscale refused the write: ${words(body)}${fileModeHint(body)}`);
      if ((await readText()) === policy) return "written";
      throw new CliError(
        "conflict",
        "headscale took the policy, but has another one now: somebody else wrote at the same time. Look with " +
          "`peer-relay policy show` whether ours is there, and have others look for theirs",
      );
    },
  };
}

async function request(
  url: string,
  apiKey: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer> {
  try {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { status: response.status, body: readBody(await response.text()) };
  } catch (error) {
    const { cause, message } = error as Error & { cause?: Error };
    throw new CliError(
      "api",
      `headscale: ${method} /api/v1${path}: no answer from ${url}: ${cause?.message ?? message}`,
    );
  }
}

/** JSON with what was asked for or with `message`; a proxy's page, or the plain word of a refused key, is a message too. */
function readBody(text: string): Answer["body"] {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Not ours to parse.
  }
  return { message: pageWords(text) };
}

function words({ message }: Answer["body"]): string {
  return typeof message === "string" && message !== "" ? message : "no reason given";
}

function failure(what: string, status: number, body: Answer["body"]): CliError {
  return new CliError("api", `headscale: ${what}: ${status}: ${words(body)}`);
}

function fileModeHint(body: Answer["body"]): string {
  return /modes other than 'database'/.test(words(body))
    ? " (its policy is a file on its host: edit that with --file there, and reload headscale)"
    : "";
}
