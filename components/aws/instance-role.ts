import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { ResolvedArgs } from "../peer-relay-args";

interface Statement {
  Effect: "Allow";
  Action: string[];
  Resource: string;
}

/** What Session Manager's agent needs, and no more; `AmazonSSMManagedInstanceCore` could read every parameter. */
const SESSION_MANAGER = [
  "ssm:UpdateInstanceInformation",
  "ssmmessages:CreateControlChannel",
  "ssmmessages:CreateDataChannel",
  "ssmmessages:OpenControlChannel",
  "ssmmessages:OpenDataChannel",
];

/** The least that the relay's VM may do: read its one parameter, prove its identity, or talk to Session Manager. */
export function statementsFor(args: ResolvedArgs, parameterArn: string | undefined): Statement[] {
  const statements: Statement[] = [];
  const allow = (Action: string[], Resource: string) =>
    statements.push({ Effect: "Allow", Action, Resource });
  if (parameterArn !== undefined) allow(["ssm:GetParameter"], parameterArn);
  if (args.workloadIdentity !== undefined) allow(["sts:GetWebIdentityToken"], "*");
  if (args.ssm) allow(SESSION_MANAGER, "*");
  return statements;
}

/** The instance profile, with a role of the relay's own. */
export function instanceProfile(
  name: string,
  args: ResolvedArgs,
  parameterArn: pulumi.Output<string> | undefined,
  tags: Record<string, string>,
  parent: pulumi.Resource,
): { profile: aws.iam.InstanceProfile; policy: aws.iam.RolePolicy } {
  const role = new aws.iam.Role(
    `${name}-role`,
    {
      assumeRolePolicy: JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          { Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" },
        ],
      }),
      tags,
    },
    { parent },
  );
  const policy = new aws.iam.RolePolicy(
    `${name}-role-policy`,
    {
      role: role.id,
      policy: pulumi
        .output(parameterArn)
        .apply((arn) => JSON.stringify({ Version: "2012-10-17", Statement: statementsFor(args, arn) })),
    },
    { parent },
  );
  const profile = new aws.iam.InstanceProfile(`${name}-profile`, { role: role.name, tags }, { parent });
  return { profile, policy };
}
