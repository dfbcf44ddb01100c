import { startTailscale, type TailscaleLab, type TailscaleLabOptions } from "../../../lab/tailscale";

/** An answer, read. */
export interface Reply {
  status: number;
  body: unknown;
  etag: string | null;
  type: string | null;
}

/** What a test sends besides method and path. */
export interface Extra {
  json?: unknown;
  text?: string;
  headers?: Record<string, string>;
  /** @default the admin's API key as Bearer; `null`: none */
  auth?: string | null;
}

/** Sends one request to the lab, path relative to `/api/v2`. */
export async function call(
  lab: TailscaleLab,
  method: string,
  path: string,
  extra: Extra = {},
): Promise<Reply> {
  const auth = extra.auth === undefined ? `Bearer ${lab.apiKey}` : extra.auth;
  const response = await fetch(`${lab.url}/api/v2${path}`, {
    method,
    headers: { ...(auth === null ? {} : { Authorization: auth }), ...extra.headers },
    body: extra.json === undefined ? extra.text : JSON.stringify(extra.json),
  });
  const text = await response.text();
  const type = response.headers.get("content-type");
  const body: unknown = type === "application/json" && text !== "" ? JSON.parse(text) : text;
  return { status: response.status, body, etag: response.headers.get("etag"), type };
}

/** Runs a test with a lab of its own and stops the lab after it. */
export function withLab(
  options: TailscaleLabOptions,
  test: (lab: TailscaleLab) => Promise<void>,
): () => Promise<void> {
  return async () => {
    const lab = await startTailscale(options);
    try {
      await test(lab);
    } finally {
      await lab.close();
    }
  };
}

/** A policy with a relay tag that an OAuth client's tag owns, and a comment to be kept. */
export const relayPolicy = `// ours
{
	"tagOwners": {
		"tag:ci":    ["autogroup:admin"],
		"tag:relay": ["tag:ci"],
		"tag:other": [],
	},
	"grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}],
}
`;

/** The body that asks for an auth key. */
export function keyRequest(
  create: { tags?: string[]; reusable?: boolean; ephemeral?: boolean; preauthorized?: boolean },
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  return { capabilities: { devices: { create } }, ...more };
}

/** An access token of an OAuth client, as an `Authorization` header. */
export async function bearer(
  lab: TailscaleLab,
  client: { clientId: string; clientSecret: string },
): Promise<string> {
  const form = new URLSearchParams({ client_id: client.clientId, client_secret: client.clientSecret });
  const reply = await call(lab, "POST", "/oauth/token", {
    auth: null,
    text: form.toString(),
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
  });
  return `Bearer ${(reply.body as { access_token: string }).access_token}`;
}
