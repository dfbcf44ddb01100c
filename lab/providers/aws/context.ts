import { EC2Client } from "@aws-sdk/client-ec2";
import { IAMClient } from "@aws-sdk/client-iam";
import { SSMClient } from "@aws-sdk/client-ssm";
import type { MiddlewareStack } from "@smithy/types";
import { object, text, type Props } from "../host";
import { apiError } from "./api-error";

/** What the kinds of one region work with. */
export interface Regional {
  region: string;
  partition: string;
  ec2: EC2Client;
  ssm: SSMClient;
  iam: IAMClient;
  endpoint: string;
  accessKeyId: string;
  defaultTags: Record<string, string>;
  /** Aborted when the engine cancels: waits end early. */
  signal: AbortSignal;
}

/** The configured provider. */
export interface Aws {
  /** The provider's region, or another one for a resource that names it. */
  in(region?: string): Regional;
}

/**
 * Reads the same configuration as the real provider: `aws:region` or AWS_REGION, AWS_ENDPOINT_URL, access keys. A
 * stand-in has no business in a real account: without an endpoint of its own it refuses to work.
 */
export function configure(config: Props, signal: AbortSignal, env: NodeJS.ProcessEnv = process.env): Aws {
  const endpoint = env["AWS_ENDPOINT_URL"];
  if (!endpoint || /\.amazonaws\.com/.test(endpoint)) {
    throw new Error(
      "the lab's stand-in for the aws provider works on a lab only: AWS_ENDPOINT_URL must name it",
    );
  }
  const home = text(config, "region") ?? env["AWS_REGION"] ?? env["AWS_DEFAULT_REGION"];
  const keys = {
    accessKeyId: text(config, "accessKey") ?? env["AWS_ACCESS_KEY_ID"] ?? "",
    secretAccessKey: text(config, "secretKey") ?? env["AWS_SECRET_ACCESS_KEY"] ?? "",
  };
  if (!keys.accessKeyId || !keys.secretAccessKey) throw new Error("No valid credential sources found");
  const tags = object(object(config, "defaultTags"), "tags");
  const defaultTags = Object.fromEntries(Object.entries(tags).map(([key, value]) => [key, String(value)]));
  const regions = new Map<string, Regional>();
  const make = (region: string): Regional => ({
    region,
    partition: region.startsWith("cn-") ? "aws-cn" : region.startsWith("us-gov-") ? "aws-us-gov" : "aws",
    ...clients({ endpoint, region, credentials: keys }),
    endpoint,
    accessKeyId: keys.accessKeyId,
    defaultTags,
    signal,
  });
  return {
    in(region = home) {
      if (!region) throw new Error("Missing region information: set aws:region or AWS_REGION");
      const known = regions.get(region) ?? make(region);
      regions.set(region, known);
      return known;
    },
  };
}

interface ClientConfig {
  endpoint: string;
  region: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
}

function clients(config: ClientConfig): Pick<Regional, "ec2" | "ssm" | "iam"> {
  const ec2 = new EC2Client(config);
  const ssm = new SSMClient(config);
  const iam = new IAMClient(config);
  reword(ec2.middlewareStack);
  reword(ssm.middlewareStack);
  reword(iam.middlewareStack);
  return { ec2, ssm, iam };
}

function reword<Input extends object, Output extends object>(stack: MiddlewareStack<Input, Output>): void {
  stack.add(
    (next, context) => async (args) => {
      try {
        return await next(args);
      } catch (error) {
        throw apiError(context.clientName ?? "", context.commandName ?? "", error as Error);
      }
    },
    { step: "initialize", name: "peerRelayLabWords" },
  );
}
