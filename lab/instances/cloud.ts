import type { PolicyDocument } from "./iam-policy";

/** One rule of a security group: protocol `-1` is everything; ports are absent then. */
export interface FirewallRule {
  direction: "in" | "out";
  protocol: string;
  fromPort?: number;
  toPort?: number;
  cidrs: string[];
}

/** The role behind an instance profile. */
export interface InstanceRole {
  arn: string;
  trust: PolicyDocument;
  policies: PolicyDocument[];
}

/** A machine of the cloud, as far as its boot depends on it. */
export interface CloudInstance {
  id: string;
  region: string;
  accountId: string;
  /** EC2's state name: `pending`, `running`, `stopped`, `terminated`... */
  state: string;
  securityGroupIds: string[];
  /** Absent when the instance has none. */
  instanceProfileArn?: string;
  /** IPv6 addresses of its interfaces. */
  ipv6Addresses: string[];
}

/** What a simulated instance may ask of the cloud it runs in; `aws.ts` has the real one. */
export interface Cloud {
  /** All instances of a region, the terminated ones that EC2 still lists included. */
  instances(region: string): Promise<CloudInstance[]>;
  /** The user data in base64. */
  userData(instance: CloudInstance): Promise<string | undefined>;
  /** The Elastic IPs that are associated with it. */
  elasticIps(instance: CloudInstance): Promise<string[]>;
  firewall(instance: CloudInstance): Promise<FirewallRule[]>;
  role(instance: CloudInstance): Promise<InstanceRole | undefined>;
  /** A decrypted SSM parameter; undefined when there is none. */
  parameter(region: string, name: string): Promise<string | undefined>;
  close(): void;
}

/** Whether the rules let the protocol pass to a port, in a direction, from or to anywhere at all. */
export function passes(
  rules: FirewallRule[],
  direction: "in" | "out",
  protocol: "tcp" | "udp",
  port: number,
): boolean {
  const names = ["-1", protocol, { tcp: "6", udp: "17" }[protocol]];
  return rules.some((rule) => {
    if (rule.direction !== direction || rule.cidrs.length === 0 || !names.includes(rule.protocol))
      return false;
    const { fromPort = 0, toPort = 65535 } = rule;
    return rule.protocol === "-1" || (port >= fromPort && port <= toPort);
  });
}

/** Whether the rules let UDP to the port in, from anywhere at all. */
export function letsIn(rules: FirewallRule[], port: number): boolean {
  return passes(rules, "in", "udp", port);
}
