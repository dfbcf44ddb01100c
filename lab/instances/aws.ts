import {
  DescribeAddressesCommand,
  DescribeInstanceAttributeCommand,
  DescribeInstancesCommand,
  DescribeSecurityGroupsCommand,
  EC2Client,
  type Instance,
  type IpPermission,
} from "@aws-sdk/client-ec2";
import {
  GetInstanceProfileCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRolePolicyCommand,
  IAMClient,
  ListAttachedRolePoliciesCommand,
  ListRolePoliciesCommand,
} from "@aws-sdk/client-iam";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import type { Cloud, CloudInstance, FirewallRule, InstanceRole } from "./cloud";
import type { PolicyDocument } from "./iam-policy";

/** How to reach the AWS API: what the lab's `startAws` gives. */
export interface AwsAccess {
  endpoint: string;
  env: Record<string, string>;
}

/** The cloud behind an AWS API. It looks with the lab's own credentials; whether the instance might is checked apart. */
export function awsCloud(access: AwsAccess): Cloud {
  const credentials = {
    accessKeyId: access.env.AWS_ACCESS_KEY_ID ?? "lab",
    secretAccessKey: access.env.AWS_SECRET_ACCESS_KEY ?? "lab",
  };
  const settings = (region: string) => ({ region, endpoint: access.endpoint, credentials, maxAttempts: 3 });
  const ec2 = perRegion((region) => new EC2Client(settings(region)));
  const ssm = perRegion((region) => new SSMClient(settings(region)));
  const iam = new IAMClient(settings("us-east-1"));
  return {
    instances: (region) => listInstances(ec2.get(region), region),
    userData: async (i) => {
      const request = new DescribeInstanceAttributeCommand({ InstanceId: i.id, Attribute: "userData" });
      return (await ec2.get(i.region).send(request)).UserData?.Value;
    },
    elasticIps: async (i) => {
      const request = new DescribeAddressesCommand({ Filters: [{ Name: "instance-id", Values: [i.id] }] });
      const addresses = (await ec2.get(i.region).send(request)).Addresses ?? [];
      return addresses.flatMap((a) => (a.PublicIp ? [a.PublicIp] : []));
    },
    firewall: async (i) => {
      if (i.securityGroupIds.length === 0) return [];
      const request = new DescribeSecurityGroupsCommand({ GroupIds: i.securityGroupIds });
      const groups = (await ec2.get(i.region).send(request)).SecurityGroups ?? [];
      return groups.flatMap((g) => [
        ...(g.IpPermissions ?? []).map((p) => rule("in", p)),
        ...(g.IpPermissionsEgress ?? []).map((p) => rule("out", p)),
      ]);
    },
    role: (i) => findRole(iam, i.instanceProfileArn),
    parameter: async (region, name) => {
      try {
        const request = new GetParameterCommand({ Name: name, WithDecryption: true });
        return (await ssm.get(region).send(request)).Parameter?.Value;
      } catch (error) {
        if (error instanceof Error && error.name === "ParameterNotFound") return undefined;
        throw error;
      }
    },
    close: () => [...ec2.all(), ...ssm.all(), iam].forEach((client) => client.destroy()),
  };
}

/** One client per region, made when it is first asked for. */
function perRegion<T>(make: (region: string) => T): { get(region: string): T; all(): T[] } {
  const clients = new Map<string, T>();
  return {
    get: (region) => {
      const client = clients.get(region) ?? make(region);
      clients.set(region, client);
      return client;
    },
    all: () => [...clients.values()],
  };
}

async function listInstances(ec2: EC2Client, region: string): Promise<CloudInstance[]> {
  const found: CloudInstance[] = [];
  let NextToken: string | undefined;
  do {
    const page = await ec2.send(new DescribeInstancesCommand({ NextToken }));
    for (const reservation of page.Reservations ?? []) {
      for (const i of reservation.Instances ?? [])
        found.push(asInstance(i, region, reservation.OwnerId ?? ""));
    }
    NextToken = page.NextToken;
  } while (NextToken);
  return found;
}

function asInstance(i: Instance, region: string, accountId: string): CloudInstance {
  const ipv6 = (i.NetworkInterfaces ?? []).flatMap((n) => n.Ipv6Addresses ?? []);
  return {
    id: i.InstanceId ?? "",
    region,
    accountId,
    state: i.State?.Name ?? "",
    securityGroupIds: (i.SecurityGroups ?? []).flatMap((g) => g.GroupId ?? []),
    instanceProfileArn: i.IamInstanceProfile?.Arn,
    ipv6Addresses: ipv6.flatMap((a) => a.Ipv6Address ?? []),
  };
}

function rule(direction: "in" | "out", p: IpPermission): FirewallRule {
  return {
    direction,
    protocol: p.IpProtocol ?? "-1",
    fromPort: p.FromPort,
    toPort: p.ToPort,
    cidrs: [
      ...(p.IpRanges ?? []).flatMap((r) => r.CidrIp ?? []),
      ...(p.Ipv6Ranges ?? []).flatMap((r) => r.CidrIpv6 ?? []),
    ],
  };
}

async function findRole(iam: IAMClient, profileArn: string | undefined): Promise<InstanceRole | undefined> {
  const InstanceProfileName = profileArn?.split("/").at(-1);
  if (!InstanceProfileName) return undefined;
  const profile = await iam.send(new GetInstanceProfileCommand({ InstanceProfileName })).catch(noneIfMissing);
  const role = profile?.InstanceProfile?.Roles?.[0];
  if (!role?.RoleName) return undefined;
  const policies = [
    ...(await inlinePolicies(iam, role.RoleName)),
    ...(await attachedPolicies(iam, role.RoleName)),
  ];
  return { arn: role.Arn ?? "", trust: document(role.AssumeRolePolicyDocument), policies };
}

async function inlinePolicies(iam: IAMClient, RoleName: string): Promise<PolicyDocument[]> {
  const names = (await iam.send(new ListRolePoliciesCommand({ RoleName }))).PolicyNames ?? [];
  return Promise.all(
    names.map(async (PolicyName) =>
      document((await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }))).PolicyDocument),
    ),
  );
}

async function attachedPolicies(iam: IAMClient, RoleName: string): Promise<PolicyDocument[]> {
  const attached = (await iam.send(new ListAttachedRolePoliciesCommand({ RoleName }))).AttachedPolicies ?? [];
  return Promise.all(
    attached.map(async ({ PolicyArn }) => {
      const policy = (await iam.send(new GetPolicyCommand({ PolicyArn }))).Policy;
      const version = new GetPolicyVersionCommand({ PolicyArn, VersionId: policy?.DefaultVersionId });
      return document((await iam.send(version)).PolicyVersion?.Document);
    }),
  );
}

/** IAM hands documents out URL-encoded. */
function document(text: string | undefined): PolicyDocument {
  return text ? (JSON.parse(decodeURIComponent(text)) as PolicyDocument) : {};
}

function noneIfMissing(error: unknown): undefined {
  if (error instanceof Error && /NoSuchEntity/.test(error.name)) return undefined;
  throw error;
}
