import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

/** The instance metadata by path below `/latest/`, as `meta-data/instance-id`; directories follow from the paths. */
export type Metadata = Record<string, string | Buffer>;

const tokenHeader = "x-aws-ec2-metadata-token";
const ttlHeader = `${tokenHeader}-ttl-seconds`;
const longestTtlSeconds = 21_600;

/** Session tokens of version 2 of the metadata service. */
export class MetadataTokens {
  private readonly expiries = new Map<string, number>();

  constructor(private readonly now: () => number = Date.now) {}

  issue(ttlSeconds: number): string {
    const token = `${randomUUID()}==`;
    this.expiries.set(token, this.now() + ttlSeconds * 1000);
    return token;
  }

  isValid(token: string): boolean {
    return (this.expiries.get(token) ?? 0) > this.now();
  }
}

/**
 * Answers one request as EC2's metadata service does with `HttpTokens: required`: a PUT for a token, then GETs that
 * carry it; without, 401. A request that came by a proxy gets no token.
 */
export async function answerMetadata(
  request: IncomingMessage,
  response: ServerResponse,
  tokens: MetadataTokens,
  metadata: () => Promise<Metadata> | Metadata,
): Promise<void> {
  const header = (name: string): string => String(request.headers[name] ?? "");
  const answer = (status: number, body: string | Buffer = "", headers: Record<string, string> = {}): void => {
    // tailscale takes a server for EC2's by this name only.
    response.writeHead(status, { server: "EC2ws", "content-type": "text/plain", ...headers }).end(body);
  };
  const path = decodeURIComponent((request.url ?? "").replace(/\?.*/, ""));
  if (request.method === "PUT" && path === "/latest/api/token") {
    const ttl = Number(header(ttlHeader));
    if (header("x-forwarded-for")) return answer(403);
    if (!(ttl >= 1 && ttl <= longestTtlSeconds)) return answer(400);
    return answer(200, tokens.issue(ttl), { [ttlHeader]: String(ttl) });
  }
  if (request.method !== "GET") return answer(405);
  if (!tokens.isValid(header(tokenHeader))) return answer(401);
  const found = lookUp(await metadata(), path);
  return found === undefined ? answer(404) : answer(200, found);
}

/** A value, or a directory's listing; any version of the API is the latest. */
function lookUp(metadata: Metadata, path: string): string | Buffer | undefined {
  const [, wanted] = /^\/(?:latest|\d{4}-\d\d-\d\d)\/(.*)$/.exec(path) ?? [];
  if (wanted === undefined) return undefined;
  const value = metadata[wanted];
  if (value !== undefined) return value;
  const directory = wanted === "" || wanted.endsWith("/") ? wanted : `${wanted}/`;
  const below = Object.keys(metadata).filter((key) => key.startsWith(directory));
  const names = below.map((key) => key.slice(directory.length).replace(/\/.*/, "/"));
  return names.length > 0 ? [...new Set(names)].sort().join("\n") : undefined;
}

/** A server of one instance's metadata. */
export function metadataServer(metadata: () => Promise<Metadata> | Metadata): Server {
  const tokens = new MetadataTokens();
  return createServer((request, response) => {
    answerMetadata(request, response, tokens, metadata).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
}

/** @throws when the address or the port cannot be had */
export function listen(server: Server, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, address, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** Ends a server at once, open connections too. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
