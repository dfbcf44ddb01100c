import type { IncomingMessage, ServerResponse } from "node:http";
import { signatureProblem, type SigningIdentity } from "./sigv4";

/** What the mocked AWS does; the test changes it between two steps. */
export interface AwsWorld {
  /** False: the instance has no role. */
  role: boolean;
  /** SSM parameters by name. */
  parameters: Record<string, string>;
  /** True: every GetParameter is refused. */
  denied: boolean;
}

/** The instance's credentials; the session token is part of what must be signed. */
export const identity: SigningIdentity = {
  accessKeyId: "ASIAEXAMPLE",
  secretAccessKey: "secret-access-key-EXAMPLE",
  sessionToken: "session/token+EXAMPLE==",
};

const metadata: Record<string, string> = {
  "placement/region": "eu-central-1",
  "services/domain": "amazonaws.com",
  "iam/security-credentials/": "relay-role",
  "iam/security-credentials/relay-role": JSON.stringify({
    Code: "Success",
    AccessKeyId: identity.accessKeyId,
    SecretAccessKey: identity.secretAccessKey,
    Token: identity.sessionToken,
  }),
};

/** Instance metadata, version 2 only: a PUT for the token, then GETs that carry it. */
export function serveMetadata(request: IncomingMessage, response: ServerResponse, world: AwsWorld): void {
  const path = (request.url ?? "").replace("/latest/", "");
  if (request.method === "PUT" && path === "api/token") {
    const ttl = request.headers["x-aws-ec2-metadata-token-ttl-seconds"];
    response.writeHead(ttl ? 200 : 400).end("metadata-token-EXAMPLE");
  } else if (request.headers["x-aws-ec2-metadata-token"] !== "metadata-token-EXAMPLE") {
    response.writeHead(401).end();
  } else {
    const value = metadata[path.replace("meta-data/", "")];
    if (value === undefined || (path.includes("/iam/") && !world.role)) response.writeHead(404).end();
    else response.end(value);
  }
}

/** SSM's GetParameter, with its signature really verified. */
export function serveSsm(
  request: IncomingMessage,
  body: string,
  response: ServerResponse,
  world: AwsWorld,
): void {
  const answer = (status: number, value: unknown): void => {
    response.writeHead(status, { "content-type": "application/x-amz-json-1.1" }).end(JSON.stringify(value));
  };
  const problem = signatureProblem(request, body, identity, new Date());
  const wanted = JSON.parse(body) as { Name: string; WithDecryption?: boolean };
  const value = world.parameters[wanted.Name];
  if (problem) {
    answer(400, { __type: "com.amazon.coral.service#InvalidSignatureException", message: problem });
  } else if (request.headers["x-amz-target"] !== "AmazonSSM.GetParameter" || wanted.WithDecryption !== true) {
    answer(400, { __type: "ValidationException", message: "not a GetParameter with decryption" });
  } else if (world.denied) {
    answer(400, {
      __type: "AccessDeniedException",
      Message: "User: relay-role is not authorized to perform: ssm:GetParameter",
    });
  } else if (value === undefined) {
    answer(400, { __type: "ParameterNotFound" });
  } else {
    answer(200, { Parameter: { Name: wanted.Name, Type: "SecureString", Value: value } });
  }
}
