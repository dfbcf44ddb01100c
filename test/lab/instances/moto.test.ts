import {
  AllocateAddressCommand,
  AssociateAddressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DescribeImagesCommand,
  EC2Client,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  IAMClient,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { motoPython, startAws, type Aws } from "../../../lab/aws";
import { startInstances, type Instances } from "../../../lab/instances";
import { startTailscale, type TailscaleLab } from "../../../lab/tailscale";
import { call, keyRequest, relayPolicy } from "../tailscale/api";
import { cloudConfig, envFile } from "./fake-cloud";

const region = "eu-central-1";
const parameter = "/peer-relay/relay";

/** Clients with which the test makes what a stack would make. */
function clients(aws: Aws) {
  const credentials = {
    accessKeyId: aws.env.AWS_ACCESS_KEY_ID!,
    secretAccessKey: aws.env.AWS_SECRET_ACCESS_KEY!,
  };
  const settings = { region, endpoint: aws.endpoint, credentials };
  return { ec2: new EC2Client(settings), ssm: new SSMClient(settings), iam: new IAMClient(settings) };
}

async function until(what: string, done: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await done())) {
    if (Date.now() > deadline) throw new Error(`not within 20 s: ${what}`);
    await sleep(50);
  }
}

describe("simulated instances on the AWS API", function () {
  this.timeout(120_000);
  let dir: string;
  let aws: Aws;
  let lab: TailscaleLab;
  let instances: Instances;

  before(async function () {
    if (!existsSync(motoPython())) this.skip(); // `scripts/setup moto` has not run
    dir = mkdtempSync(join(tmpdir(), "peer-relay-instances-"));
    aws = await startAws({ dir });
    lab = await startTailscale({ policy: relayPolicy });
  });

  after(async () => {
    await instances?.close();
    await lab?.close();
    await aws?.close();
    if (dir) rmSync(dir, { recursive: true });
  });

  it("follow an instance from its start, over its address and its role, to its end", async () => {
    const { ec2, ssm, iam } = clients(aws);
    const reply = await call(lab, "POST", "/tailnet/-/keys", {
      json: keyRequest({ tags: ["tag:relay"], preauthorized: true }),
    });
    const { key } = reply.body as { key: string };
    const address = await ec2.send(new AllocateAddressCommand({ Domain: "vpc" }));
    await ssm.send(new PutParameterCommand({ Name: parameter, Type: "SecureString", Value: key }));
    const instanceId = await runRelay(ec2, iam, address.PublicIp!);

    instances = startInstances({
      aws,
      tailscale: lab,
      regions: ["us-east-1", region],
      pollMs: 50,
      retryMs: 50,
    });
    const problem = () => instances.status()[0]?.problem;
    await until(
      "waits for its address",
      () => problem() === "network: no Elastic IP is associated with this instance",
    );
    await ec2.send(
      new AssociateAddressCommand({ InstanceId: instanceId, AllocationId: address.AllocationId }),
    );
    await until("lacks the right to its parameter", () =>
      /AccessDenied.*ssm:GetParameter/.test(problem() ?? ""),
    );
    await allowParameter(iam);
    await until("is on line", () => instances.status()[0]?.state === "online");
    const online = (await lab.devices()).map((d) => [d.hostname, d.tags, d.connectedToControl]);
    const { serving } = instances.status()[0]!;

    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }));
    await until("is off", () => instances.status()[0]?.state === "off");
    assert.deepEqual(
      [online, serving, (await lab.devices()).map((d) => d.connectedToControl), instances.pollErrors],
      [[["relay", ["tag:relay"], true]], true, [false], []],
    );
    for (const client of [ec2, ssm, iam]) client.destroy();
  });
});

/** A relay as a stack makes it, but for the association and the role's policy. */
async function runRelay(ec2: EC2Client, iam: IAMClient, publicIp: string): Promise<string> {
  const trust = { Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" };
  const AssumeRolePolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [trust] });
  await iam.send(new CreateRoleCommand({ RoleName: "relay", AssumeRolePolicyDocument }));
  await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: "relay" }));
  await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: "relay", RoleName: "relay" }));
  const group = await ec2.send(new CreateSecurityGroupCommand({ GroupName: "relay", Description: "relay" }));
  const rule = { IpProtocol: "udp", FromPort: 40000, ToPort: 40000, IpRanges: [{ CidrIp: "0.0.0.0/0" }] };
  await ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: group.GroupId, IpPermissions: [rule] }));
  const arm = { Name: "architecture", Values: ["arm64"] };
  const image = (await ec2.send(new DescribeImagesCommand({ Filters: [arm] }))).Images?.[0]?.ImageId;
  const env = envFile({ HOSTNAME: "relay", STATIC_ENDPOINTS: `${publicIp}:40000`, PARAMETER: parameter });
  const run = await ec2.send(
    new RunInstancesCommand({
      ImageId: image,
      InstanceType: "t4g.small",
      MinCount: 1,
      MaxCount: 1,
      SecurityGroupIds: [group.GroupId!],
      IamInstanceProfile: { Name: "relay" },
      UserData: Buffer.from(cloudConfig(env)).toString("base64"),
    }),
  );
  return run.Instances![0]!.InstanceId!;
}

async function allowParameter(iam: IAMClient): Promise<void> {
  const Resource = `arn:aws:ssm:${region}:123456789012:parameter${parameter}`;
  const statement = { Effect: "Allow", Action: "ssm:GetParameter", Resource };
  const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  await iam.send(new PutRolePolicyCommand({ RoleName: "relay", PolicyName: "parameter", PolicyDocument }));
}
