import { TailnetCredentials } from "./credentials";

/**
 * A small client for the part of the Tailscale API that this package needs. Plain functions and plain data, because
 * Pulumi serialises whatever a dynamic resource uses.
 */

/** An answer that is not what the caller asked for; carries the server's own words, never a credential. */
export class TailscaleApiError extends Error {
  status: number;
  constructor(message: string, status: number) {
    super(message);
    // Set by hand: Pulumi's serialiser, which carries this class into the provider process, loses what super() sets.
    this.message = message;
    this.name = "TailscaleApiError";
    this.status = status;
  }
}

/** One answer of the API. */
export interface ApiAnswer {
  status: number;
  text: string;
  etag: string | undefined;
  /** The server's clock, when it sent one: nothing here trusts the operator's own clock. */
  date: string | undefined;
  /** The request was sent before and got no clear answer: the server may have done then already what it asks for. */
  resent: boolean;
}

/** A request, its path relative to `/api/v2`. */
export interface ApiRequest {
  method: "GET" | "POST" | "DELETE";
  path: string;
  body?: string;
  contentType?: string;
  accept?: string;
  ifMatch?: string;
  /** Statuses besides 2xx that the caller handles itself. */
  expect?: number[];
}

/** A tailnet that can be asked. */
export interface TailnetClient {
  /** Path prefix of the tailnet: `/tailnet/<name>`. */
  tailnet: string;
  send(request: ApiRequest): Promise<ApiAnswer>;
}

/** Answers after which the same request may be sent again. */
const RETRY_STATUSES = [429, 500, 502, 503, 504];
const REQUEST_TIMEOUT_MS = 60_000;

/** How long a client tries. */
export interface Patience {
  /** How often a request is sent that gets no answer, or one that asks to try again. */
  attempts: number;
  /** Ends all that the client does; without it each request has its own limit. */
  signal?: AbortSignal;
}

const PATIENT: Patience = { attempts: 6 };

/** Makes a client. Nothing is sent before the first request; an OAuth token is fetched then and again on a 401. */
export function connectTailnet(credentials: TailnetCredentials, patience: Patience = PATIENT): TailnetClient {
  let token: string | undefined = credentials.apiKey;
  const send = async (request: ApiRequest): Promise<ApiAnswer> => {
    token ??= await fetchToken(credentials, patience);
    let answer = await sendWithRetries(credentials.baseUrl, request, token, patience);
    if (answer.status === 401 && !credentials.apiKey) {
      const { resent } = answer;
      token = await fetchToken(credentials, patience);
      answer = await sendWithRetries(credentials.baseUrl, request, token, patience, resent);
    }
    if (answer.status < 300 || request.expect?.includes(answer.status)) return answer;
    throw new TailscaleApiError(
      `Tailscale API: ${request.method} ${request.path}: ${answer.status}: ${explain(answer)}${scopeHint(answer, request)}`,
      answer.status,
    );
  };
  return { tailnet: `/tailnet/${encodeURIComponent(credentials.tailnet)}`, send };
}

/** The words of an error answer: Tailscale's `message`, and `data` with the details of a refused policy. */
export function explain(answer: ApiAnswer): string {
  try {
    const body = JSON.parse(answer.text) as {
      message?: string;
      data?: { user?: string; errors?: string[]; warnings?: string[] }[];
    };
    const details = (body.data ?? []).map((entry) =>
      [entry.user, ...(entry.errors ?? []), ...(entry.warnings ?? [])].filter(Boolean).join(": "),
    );
    return [body.message, ...details].filter(Boolean).join("; ") || "no reason given";
  } catch {
    return pageWords(answer.text) || "empty answer";
  }
}

/** What a page of a proxy says, in one line: its words without its markup, as far as they fit into a message. */
export function pageWords(text: string): string {
  return text
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, 200);
}

/** After a change of credentials; Pulumi keeps the ones of the last `up`. */
export const STALE_HINT =
  " (refresh and destroy use the credentials of the last `pulumi up`: if they were changed since, run that first)";

/** Tailscale says only that something is not permitted; the scope that is missing follows from the path. */
function scopeHint(answer: ApiAnswer, request: ApiRequest): string {
  if (answer.status === 401) return STALE_HINT;
  if (answer.status !== 403) return "";
  const scope = /\/acl(\/|$)/.test(request.path) ? "policy_file" : "devices:core";
  return ` (an OAuth client needs the scope ${scope} for this)`;
}

/** Waits; kept here so that all of this package's waiting goes one way. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function fetchToken(credentials: TailnetCredentials, patience: Patience): Promise<string> {
  const federated = !credentials.oauthClientSecret;
  const form = new URLSearchParams({ client_id: credentials.oauthClientId ?? "" });
  if (federated) form.set("jwt", credentials.identityToken ?? "");
  else form.set("client_secret", credentials.oauthClientSecret ?? "");
  if (credentials.scopes && !federated) form.set("scope", credentials.scopes.join(" "));
  const answer = await sendWithRetries(
    credentials.baseUrl,
    {
      method: "POST",
      path: federated ? "/oauth/token-exchange" : "/oauth/token",
      body: form.toString(),
      contentType: "application/x-www-form-urlencoded",
    },
    undefined,
    patience,
  );
  if (answer.status >= 300) {
    throw new TailscaleApiError(
      `Tailscale API: no token for OAuth client ${credentials.oauthClientId}: ${answer.status}: ${explain(answer)}${answer.status === 401 ? STALE_HINT : ""}`,
      answer.status,
    );
  }
  return (JSON.parse(answer.text) as { access_token: string }).access_token;
}

/**
 * Sends until an answer that is worth looking at comes, as often as `patience` has it. Only requests that may be
 * repeated are: a policy write carries If-Match, so a second try of one that was applied is refused, not applied twice.
 */
async function sendWithRetries(
  baseUrl: string,
  request: ApiRequest,
  token: string | undefined,
  { attempts, signal }: Patience,
  resent = false,
): Promise<ApiAnswer> {
  for (let attempt = 1; ; attempt++) {
    let answer: ApiAnswer | undefined;
    let wait = Math.min(500 * 2 ** attempt, 15_000) * (0.5 + Math.random() / 2);
    try {
      const response = await fetch(`${baseUrl}/api/v2${request.path}`, {
        method: request.method,
        headers: headersOf(request, token),
        body: request.body,
        signal: signal ?? AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      answer = {
        status: response.status,
        text: decode(await response.arrayBuffer()),
        etag: response.headers.get("etag") ?? undefined,
        date: response.headers.get("date") ?? undefined,
        resent,
      };
      const retryAfter = Number(response.headers.get("retry-after"));
      if (retryAfter > 0) wait = Math.min(retryAfter, 60) * 1000;
      if (!RETRY_STATUSES.includes(answer.status)) return answer;
    } catch (error) {
      // By name: classes that went through Pulumi's serialiser are no longer what instanceof expects.
      if ((error as Error).name === "TailscaleApiError") throw error;
      if (attempt >= attempts) {
        const cause = (error as { cause?: { message?: string } }).cause?.message ?? (error as Error).message;
        throw new TailscaleApiError(
          `Tailscale API: ${request.method} ${request.path}: no answer from ${baseUrl} after ${attempt} tries: ${cause}`,
          0,
        );
      }
    }
    if (answer && attempt >= attempts) return answer;
    // Told to slow down, the request was not looked at; an error, a gateway's too, may come after the deed.
    resent ||= answer?.status !== 429;
    await pause(wait);
  }
}

/** Every byte as it is, a byte order mark too: text that we can't give back exactly must not be written over. */
function decode(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new TailscaleApiError("Tailscale API: the answer is not UTF-8 text", 0);
  }
}

function headersOf(request: ApiRequest, token: string | undefined): Record<string, string> {
  const headers: Record<string, string> = {
    accept: request.accept ?? "application/json",
    "user-agent": "peer-relay",
  };
  if (token) headers.authorization = `Bearer ${token}`;
  if (request.body !== undefined) headers["content-type"] = request.contentType ?? "application/json";
  if (request.ifMatch) headers["if-match"] = request.ifMatch;
  return headers;
}
