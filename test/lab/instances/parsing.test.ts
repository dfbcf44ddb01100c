import assert from "node:assert/strict";
import { allows, trustsEc2, type PolicyDocument } from "../../../lab/instances/iam-policy";
import { parseEnvFile } from "../../../lab/instances/relay-env";

describe("a simulated instance: its env file", () => {
  it("is read as a shell and systemd read it", () => {
    const text = `# comment\n\nA='x y'\nB=plain\nC="a\\"b"\nD='it'\\''s'\nE=\nF='a=b#c'\n`;
    assert.deepEqual(Object.fromEntries(parseEnvFile(text)), {
      A: "x y",
      B: "plain",
      C: 'a"b',
      D: "it's",
      E: "",
      F: "a=b#c",
    });
  });

  for (const line of ["A=$HOME", 'A="$(id)"', "A=`id`", "A='open", "export A=1", "A = 1", "A=1; rm x"]) {
    it(`is refused with the line ${line}, which only a shell would read or which nobody would`, () =>
      assert.throws(() => parseEnvFile(`B=1\n${line}\n`), /line 2 is not KEY='value'/));
  }
});

describe("a simulated instance: what its role allows", () => {
  const arn = "arn:aws:ssm:eu-central-1:123456789012:parameter/peer-relay/relay";
  const statement = (more: object): PolicyDocument => ({
    Statement: { Effect: "Allow", Action: "ssm:GetParameter", Resource: arn, ...more },
  });
  const cases: [what: string, documents: PolicyDocument[], allowed: boolean][] = [
    ["no policy", [], false],
    ["exactly this", [statement({})], true],
    ["another case of the action", [statement({ Action: ["SSM:getparameter"] })], true],
    ["another case of the resource", [statement({ Resource: arn.toUpperCase() })], false],
    [
      "wildcards",
      [statement({ Action: "ssm:Get*", Resource: [arn.replace("relay/relay", "relay/*")] })],
      true,
    ],
    ["one character for any", [statement({ Resource: arn.replace(/y$/, "?") })], true],
    ["a dot that is no wildcard", [statement({ Resource: arn.replace("peer-relay", "peer.relay") })], false],
    ["a longer name", [statement({ Resource: `${arn}2` })], false],
    ["another action", [statement({ Action: "ssm:GetParameters" })], false],
    ["everything but", [statement({ Action: undefined, NotAction: "ssm:Put*" })], true],
    ["not this resource", [statement({ Resource: undefined, NotResource: arn })], false],
    ["a deny beside", [statement({}), statement({ Effect: "Deny", Action: "*", Resource: "*" })], false],
    ["a condition", [statement({ Condition: { Bool: { "aws:SecureTransport": "true" } } })], false],
  ];
  for (const [what, documents, allowed] of cases) {
    it(`${what}: ${allowed}`, () => assert.equal(allows(documents, "ssm:GetParameter", arn), allowed));
  }

  it("EC2 must be trusted to have it", () => {
    const trust = (Service: string | string[]) =>
      trustsEc2({ Statement: [{ Effect: "Allow", Principal: { Service }, Action: "sts:AssumeRole" }] });
    assert.deepEqual(
      [
        trust("ec2.amazonaws.com"),
        trust(["x", "ec2.amazonaws.com"]),
        trust("lambda.amazonaws.com"),
        trustsEc2({}),
      ],
      [true, true, false, false],
    );
  });
});
