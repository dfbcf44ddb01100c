import {
  startInstances,
  type Cloud,
  type CloudInstance,
  type Instances,
  type InstanceRole,
} from "../../../lab/instances";
import { startTailscale, type TailscaleLab } from "../../../lab/tailscale";
import { relayPolicy } from "../tailscale/api";

/** A cloud held in variables, for tests of the instances alone. */
export interface FakeCloud extends Cloud {
  machine: CloudInstance;
  listed: CloudInstance[];
  userDataText: string;
  eips: string[];
  openPorts: number[];
  egress: boolean;
  instanceRole: InstanceRole | undefined;
  parameters: Record<string, string>;
}

export const parameterArn = "arn:aws:ssm:eu-central-1:123456789012:parameter/peer-relay/relay";

/** The env file of a relay. */
export function envFile(more: Record<string, string> = {}): string {
  const values: Record<string, string> = {
    HOSTNAME: "relay-203-0-113-30",
    PORT: "40000",
    STATIC_ENDPOINTS: "203.0.113.30:40000",
    TAGS: "tag:relay",
    TAILSCALE_VERSION: "1.102.3",
    AUTH: "parameter",
    PARAMETER: "/peer-relay/relay",
    ...more,
  };
  return Object.entries(values)
    .map(([key, value]) => `PEER_RELAY_${key}='${value}'\n`)
    .join("");
}

/** A cloud-config that writes the env file. */
export function cloudConfig(env: string, encoding?: string): string {
  const text = encoding ? Buffer.from(env).toString("base64") : env;
  const file = {
    path: "/etc/peer-relay/relay.env",
    permissions: "0600",
    content: text,
    ...(encoding ? { encoding } : {}),
  };
  return `#cloud-config\n${JSON.stringify({ write_files: [{ path: "/etc/other", content: "x" }, file] })}\n`;
}

export function allow(
  action: string,
  resource: string,
): { Statement: { Effect: string; Action: string; Resource: string }[] } {
  return { Statement: [{ Effect: "Allow", Action: action, Resource: resource }] };
}

const trust = {
  Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }],
};

export function fakeCloud(): FakeCloud {
  const machine: CloudInstance = {
    id: "i-0123456789abcdef0",
    region: "eu-central-1",
    accountId: "123456789012",
    state: "running",
    securityGroupIds: ["sg-1"],
    instanceProfileArn: "arn:aws:iam::123456789012:instance-profile/relay",
    ipv6Addresses: [],
  };
  const cloud: FakeCloud = {
    machine,
    listed: [machine],
    userDataText: cloudConfig(envFile()),
    eips: ["203.0.113.30"],
    openPorts: [40000],
    egress: true,
    instanceRole: {
      arn: "arn:aws:iam::123456789012:role/relay",
      trust,
      policies: [allow("ssm:GetParameter", parameterArn)],
    },
    parameters: {},
    instances: async (region) => cloud.listed.filter((i) => i.region === region),
    userData: async () => Buffer.from(cloud.userDataText).toString("base64"),
    elasticIps: async () => cloud.eips,
    firewall: async () => [
      ...cloud.openPorts.map((port) => ({
        direction: "in" as const,
        protocol: "udp",
        fromPort: port,
        toPort: port,
        cidrs: ["0.0.0.0/0"],
      })),
      ...(cloud.egress ? [{ direction: "out" as const, protocol: "-1", cidrs: ["0.0.0.0/0"] }] : []),
    ],
    role: async () => cloud.instanceRole,
    parameter: async (_region, name) => cloud.parameters[name],
    close: () => {},
  };
  return cloud;
}

/** What a test of the instances works with; time stands still until `advance`. */
export interface World {
  cloud: FakeCloud;
  lab: TailscaleLab;
  instances: Instances;
  /** Moves the clock and lets every machine act once. */
  advance(ms: number): Promise<void>;
  /** A new auth key for the relay, put into its parameter. */
  newKey(ephemeral?: boolean): Promise<string>;
}

/** Runs a test in a world of its own; `prepare` changes the cloud before the first poll. */
export function withWorld(
  prepare: (cloud: FakeCloud) => void,
  test: (world: World) => Promise<void>,
  rejoinMs = 0,
): () => Promise<void> {
  return async () => {
    let now = Date.parse("2026-01-01T00:00:00Z");
    const lab = await startTailscale({ policy: relayPolicy, now: () => now });
    const cloud = fakeCloud();
    const newKey = async (ephemeral = false) => {
      const create = { tags: ["tag:relay"], preauthorized: true, ephemeral };
      const response = await fetch(`${lab.url}/api/v2/tailnet/-/keys`, {
        method: "POST",
        headers: { Authorization: `Bearer ${lab.apiKey}` },
        body: JSON.stringify({ capabilities: { devices: { create } } }),
      });
      const { key } = (await response.json()) as { key: string };
      cloud.parameters["/peer-relay/relay"] = key;
      return key;
    };
    await newKey();
    prepare(cloud);
    const instances = startInstances({
      aws: cloud,
      tailscale: lab,
      regions: ["eu-central-1"],
      pollMs: 3_600_000,
      rejoinMs,
      now: () => now,
    });
    const advance = async (ms: number) => {
      now += ms;
      await instances.poll();
    };
    try {
      await advance(0);
      await test({ cloud, lab, instances, advance, newKey });
    } finally {
      await instances.close();
      await lab.close();
    }
  };
}
