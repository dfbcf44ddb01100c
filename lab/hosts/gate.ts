import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { allows, trustsEc2, type Cloud } from "../instances";
import type { RoleCredentials } from "./credentials";
import { claimedSigner, signatureProblem } from "./sigv4";

/** What the gate asks. */
export interface Gate {
  credentials: { find(accessKeyId: string): RoleCredentials | undefined };
  cloud: Pick<Cloud, "role" | "parameter">;
  /** @default Date.now */
  now?: () => number;
}

interface Answer {
  status: number;
  body: unknown;
}

/**
 * The AWS API as instances see it: SSM's GetParameter and nothing else, with the signature verified against the
 * credentials that the metadata service gave out, and the role's policies asked as they are now.
 */
export function awsGate(gate: Gate): Server {
  return createServer((request, response) => {
    void bodyOf(request).then((body) => serveGate(request, body, response, gate));
  });
}

/** Answers one request of {@link awsGate}. */
export async function serveGate(
  request: IncomingMessage,
  body: string,
  response: ServerResponse,
  gate: Gate,
): Promise<void> {
  const answer = await decide(request, body, gate).catch((error: unknown) =>
    refusal("InternalServerError", String(error), 500),
  );
  response.writeHead(answer.status, { "content-type": "application/x-amz-json-1.1" });
  response.end(JSON.stringify(answer.body));
}

async function decide(request: IncomingMessage, body: string, gate: Gate): Promise<Answer> {
  const now = new Date((gate.now ?? Date.now)());
  const signer = claimedSigner(request);
  if (!signer) return refusal("MissingAuthenticationTokenException", "Missing Authentication Token");
  const identity = gate.credentials.find(signer.keyId);
  if (!identity) {
    return refusal("UnrecognizedClientException", "The security token included in the request is invalid.");
  }
  const problem = signatureProblem(request, body, identity, now);
  if (problem) return refusal("InvalidSignatureException", problem);
  if (identity.expires <= now) {
    return refusal("ExpiredTokenException", "The security token included in the request is expired");
  }
  if (signer.service !== "ssm" || request.headers["x-amz-target"] !== "AmazonSSM.GetParameter") {
    return refusal("UnknownOperationException", "the lab's gate knows SSM's GetParameter only");
  }
  const wanted = JSON.parse(body) as { Name?: string; WithDecryption?: boolean };
  return getParameter(identity, signer.region, wanted, gate);
}

async function getParameter(
  identity: RoleCredentials,
  region: string,
  wanted: { Name?: string; WithDecryption?: boolean },
  gate: Gate,
): Promise<Answer> {
  const { Name = "", WithDecryption } = wanted;
  if (!WithDecryption)
    return refusal("ValidationException", "the lab's gate hands out decrypted values only");
  const { instance, roleArn } = identity;
  const resource = `arn:aws:ssm:${region}:${instance.accountId}:parameter/${Name.replace(/^\//, "")}`;
  const role = await gate.cloud.role(instance);
  const mayUse = role?.arn === roleArn && trustsEc2(role.trust);
  if (!role || !mayUse || !allows(role.policies, "ssm:GetParameter", resource)) {
    const session = `${roleArn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/")}/${instance.id}`;
    const text = `User: ${session} is not authorized to perform: ssm:GetParameter on resource: ${resource} because no identity-based policy allows the ssm:GetParameter action`;
    return { status: 400, body: { __type: "AccessDeniedException", Message: text } };
  }
  const value = await gate.cloud.parameter(region, Name);
  if (value === undefined) return { status: 400, body: { __type: "ParameterNotFound" } };
  return { status: 200, body: { Parameter: { Name, Type: "SecureString", Value: value, ARN: resource } } };
}

function refusal(type: string, message: string, status = 400): Answer {
  return { status, body: { __type: `com.amazon.coral.service#${type}`, message } };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  return body;
}
