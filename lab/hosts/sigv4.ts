import { createHash, createHmac } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** The key pair that a request should be signed with, and the session token that belongs to it. */
export interface SigningIdentity {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();

interface Authorization {
  keyId: string;
  /** `20260101/eu-central-1/ssm/aws4_request` */
  scope: string;
  /** Names of the headers that were signed, with `;` between. */
  names: string;
  signature: string;
}

function authorization(request: IncomingMessage): Authorization | undefined {
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      request.headers.authorization ?? "",
    );
  if (!match) return undefined;
  const [, keyId = "", scope = "", names = "", signature = ""] = match;
  return { keyId, scope, names, signature };
}

/** Who says to have signed, and for which region and service; nothing of it is verified. */
export function claimedSigner(
  request: IncomingMessage,
): { keyId: string; region: string; service: string } | undefined {
  const signed = authorization(request);
  const [, region = "", service = ""] = signed?.scope.split("/") ?? [];
  return signed && { keyId: signed.keyId, region, service };
}

/**
 * Verifies a Signature Version 4 as the service would, written from AWS's description and apart from the code that is
 * tested: the authorization header says which headers were signed.
 * @returns what is wrong, or undefined
 */
export function signatureProblem(
  request: IncomingMessage,
  body: string,
  identity: SigningIdentity,
  now: Date,
): string | undefined {
  const header = (name: string): string => String(request.headers[name] ?? "");
  const claimed = authorization(request);
  if (!claimed) return "no authorization header";
  const { keyId, scope, names, signature } = claimed;
  if (keyId !== identity.accessKeyId) return `unknown key ${keyId}`;
  if (header("x-amz-security-token") !== identity.sessionToken) return "wrong session token";
  const signed = names.split(";");
  const unsigned = ["host", "x-amz-date", "x-amz-security-token", "x-amz-target"].find(
    (h) => !signed.includes(h),
  );
  if (unsigned) return `${unsigned} is not signed`;
  const date = header("x-amz-date");
  const time = Date.parse(date.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  if (!(Math.abs(time - now.getTime()) < 300_000) || !scope.startsWith(`${date.slice(0, 8)}/`))
    return "wrong date";
  const headers = signed.map((name) => `${name}:${header(name).trim()}\n`).join("");
  const canonical = [request.method, request.url, "", headers, names, sha256(body)].join("\n");
  const text = ["AWS4-HMAC-SHA256", date, scope, sha256(canonical)].join("\n");
  const key = scope.split("/").reduce<string | Buffer>(hmac, `AWS4${identity.secretAccessKey}`);
  return hmac(key, text).toString("hex") === signature ? undefined : "the signature does not match";
}
