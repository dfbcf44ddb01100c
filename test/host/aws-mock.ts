import type { CloudInstance } from "../../lab/instances";
import { CredentialIssuer } from "../../lab/hosts/credentials";
import type { Gate } from "../../lab/hosts/gate";
import { instanceMetadata } from "../../lab/hosts/instance-metadata";
import type { Metadata } from "../../lab/hosts/metadata";

/** What the mocked AWS does; the test changes it between two steps. */
export interface AwsWorld {
  /** False: the instance has no role. */
  role: boolean;
  /** SSM parameters by name. */
  parameters: Record<string, string>;
  /** True: every GetParameter is refused. */
  denied: boolean;
}

const instance: CloudInstance = {
  id: "i-0example",
  region: "eu-central-1",
  accountId: "123456789012",
  state: "running",
  securityGroupIds: [],
  ipv6Addresses: [],
};
const role = { name: "relay-role", arn: "arn:aws:iam::123456789012:role/relay-role" };
const issuer = new CredentialIssuer();

/** The relay host's metadata. */
export function metadataOf(world: AwsWorld): Metadata {
  const details = {
    imageId: "ami-0example",
    instanceType: "t4g.small",
    availabilityZone: "eu-central-1a",
    vpcId: "vpc-0example",
    subnetId: "subnet-0example",
    interfaceId: "eni-0example",
    subnetCidr: "203.0.113.0/24",
    mac: "02:00:00:00:00:01",
    privateIp: "203.0.113.30",
    hopLimit: 1,
    securityGroups: [],
    lentAddress: false,
  };
  const profileArn = "arn:aws:iam::123456789012:instance-profile/relay";
  const credentials = issuer.for(instance, role.arn);
  return instanceMetadata({
    instance,
    details,
    role: world.role ? { name: role.name, profileArn, credentials } : undefined,
  });
}

/** The AWS API that the relay host reaches. */
export function gateOf(world: () => AwsWorld): Gate {
  const trust = {
    Statement: {
      Effect: "Allow",
      Principal: { Service: "ec2.amazonaws.com" },
      Action: "sts:AssumeRole",
    },
  };
  const policy = { Statement: { Effect: "Allow", Action: "ssm:GetParameter", Resource: "*" } };
  return {
    credentials: issuer,
    cloud: {
      role: () => Promise.resolve({ arn: role.arn, trust, policies: world().denied ? [] : [policy] }),
      parameter: (_region, name) => Promise.resolve(world().parameters[name]),
    },
  };
}
