import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import type { AddressInfo } from "node:net";
import type { Server } from "node:http";
import { CredentialIssuer, type RoleCredentials } from "../../../lab/hosts/credentials";
import { awsGate } from "../../../lab/hosts/gate";
import { closeServer, listen } from "../../../lab/hosts/metadata";
import type { CloudInstance, InstanceRole } from "../../../lab/instances";

const instance: CloudInstance = {
  id: "i-0example",
  region: "eu-central-1",
  accountId: "123456789012",
  state: "running",
  securityGroupIds: [],
  ipv6Addresses: [],
};
const arn = "arn:aws:iam::123456789012:role/relay";
const ec2 = { Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" };
const mayRead = (region: string) => ({
  Statement: {
    Effect: "Allow",
    Action: "ssm:GetParameter",
    Resource: `arn:aws:ssm:${region}:123456789012:parameter/auth`,
  },
});

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();

describe("the AWS API that instances reach", () => {
  let server: Server;
  let url: string;
  let time: number;
  let role: InstanceRole | undefined;
  let issuer: CredentialIssuer;

  beforeEach(async () => {
    time = Date.now();
    role = { arn, trust: { Statement: ec2 }, policies: [mayRead("eu-central-1")] };
    issuer = new CredentialIssuer(3_600_000, () => time);
    const cloud = {
      role: () => Promise.resolve(role),
      parameter: (region: string, name: string) =>
        Promise.resolve(name === "/auth" ? `secret of ${region}` : undefined),
    };
    server = awsGate({ credentials: issuer, cloud, now: () => time });
    await listen(server, "127.0.0.1", 0);
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => closeServer(server));

  /** A signed GetParameter; what the API says in one word. */
  async function get(
    identity: RoleCredentials,
    o: { region?: string; service?: string; target?: string; name?: string; sent?: string } = {},
  ): Promise<string> {
    const { region = "eu-central-1", service = "ssm", target = "AmazonSSM.GetParameter" } = o;
    const body = JSON.stringify({ Name: o.name ?? "/auth", WithDecryption: true });
    const date = new Date(time).toISOString().replace(/[-:]|\.\d+/g, "");
    const headers: Record<string, string> = {
      host: new URL(url).host,
      "x-amz-date": date,
      "x-amz-security-token": identity.sessionToken,
      "x-amz-target": target,
    };
    const names = Object.keys(headers).join(";");
    const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
    const canonical = ["POST", "/", "", lines.join(""), names, sha256(body)].join("\n");
    const scope = `${date.slice(0, 8)}/${region}/${service}/aws4_request`;
    const key = scope.split("/").reduce<string | Buffer>(hmac, `AWS4${identity.secretAccessKey}`);
    const signature = hmac(key, ["AWS4-HMAC-SHA256", date, scope, sha256(canonical)].join("\n"));
    const authorization = `AWS4-HMAC-SHA256 Credential=${identity.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature.toString("hex")}`;
    const sent = { ...headers, authorization };
    const answer = await fetch(url, { method: "POST", headers: sent, body: o.sent ?? body });
    const said = (await answer.json()) as { __type?: string; Parameter?: { Value: string } };
    return said.Parameter?.Value ?? said.__type?.split("#").at(-1) ?? "";
  }

  it("gives a parameter to the role that may read it", async () => {
    assert.equal(await get(issuer.for(instance, arn)), "secret of eu-central-1");
  });

  const refusals: [string, () => Promise<string>, string][] = [
    [
      "a key that nobody issued",
      () => get({ ...issuer.for(instance, arn), accessKeyId: "ASIAEXAMPLE" }),
      "UnrecognizedClientException",
    ],
    [
      "another secret key",
      () => get({ ...issuer.for(instance, arn), secretAccessKey: "EXAMPLE" }),
      "InvalidSignatureException",
    ],
    [
      "another session token",
      () => get({ ...issuer.for(instance, arn), sessionToken: "EXAMPLE" }),
      "InvalidSignatureException",
    ],
    [
      "another body than the signed one",
      () => get(issuer.for(instance, arn), { sent: '{"Name":"/other","WithDecryption":true}' }),
      "InvalidSignatureException",
    ],
    [
      "credentials that have expired",
      () => {
        const old = issuer.for(instance, arn);
        time += 3_600_000;
        return get(old);
      },
      "ExpiredTokenException",
    ],
    [
      "a signature for another service",
      () => get(issuer.for(instance, arn), { service: "ec2" }),
      "UnknownOperationException",
    ],
    [
      "another operation",
      () => get(issuer.for(instance, arn), { target: "AmazonSSM.GetParametersByPath" }),
      "UnknownOperationException",
    ],
    [
      "another region than the policy's",
      () => get(issuer.for(instance, arn), { region: "us-east-1" }),
      "AccessDeniedException",
    ],
    ["another parameter", () => get(issuer.for(instance, arn), { name: "/other" }), "AccessDeniedException"],
    [
      "a role without a policy",
      () => ((role = { ...role!, policies: [] }), get(issuer.for(instance, arn))),
      "AccessDeniedException",
    ],
    [
      "a role that was taken away",
      () => ((role = undefined), get(issuer.for(instance, arn))),
      "AccessDeniedException",
    ],
    [
      "a role that is another one now",
      () => ((role = { ...role!, arn: `${arn}-2` }), get(issuer.for(instance, arn))),
      "AccessDeniedException",
    ],
    [
      "a role that does not trust EC2",
      () => ((role = { ...role!, trust: {} }), get(issuer.for(instance, arn))),
      "AccessDeniedException",
    ],
  ];
  for (const [what, attempt, word] of refusals) {
    it(`refuses ${what}`, async () => assert.equal(await attempt(), word));
  }

  it("refuses a request without a signature", async () => {
    const answer = await fetch(url, { method: "POST", body: "{}" });
    assert.deepEqual([answer.status, /MissingAuthenticationToken/.test(await answer.text())], [400, true]);
  });

  it("issues new credentials shortly before the old ones expire, and others per instance", () => {
    const first = issuer.for(instance, arn).accessKeyId;
    const again = issuer.for(instance, arn).accessKeyId;
    const other = issuer.for({ ...instance, id: "i-0other" }, arn).accessKeyId;
    time += 3_600_000 - 4 * 60_000;
    const renewed = issuer.for(instance, arn).accessKeyId;
    assert.deepEqual([first === again, new Set([first, other, renewed]).size], [true, 3]);
  });
});
