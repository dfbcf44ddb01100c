import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { RelayOs, ResolvedArgs } from "../peer-relay-args";
import { KeptValue } from "./kept-value";
import { lookUp } from "./look-up";

export type Architecture = "arm64" | "x86_64";

/**
 * The processor of an instance type. AWS marks its own arm64 processors with a `g` right after the generation's
 * number (`t4g`, `c7gn`, `im4gn`, `x2gd`, `g5g`); `a1` came before that rule. A leading `g` (`g4dn`) is a GPU.
 */
export function architectureOf(instanceType: string): Architecture {
  return /^([a-z]+(-[a-z]+)?\d+g|a1\.)/.test(instanceType) ? "arm64" : "x86_64";
}

/** Public SSM parameter with the newest image of a system; published by Debian, Canonical and Amazon. */
export function imageParameter(os: RelayOs, architecture: Architecture): string {
  const short = architecture === "arm64" ? "arm64" : "amd64";
  switch (os) {
    case "debian":
      return `/aws/service/debian/release/12/latest/${short}`;
    case "ubuntu":
      return `/aws/service/canonical/ubuntu/server/24.04/stable/current/${short}/hvm/ebs-gp3/ami-id`;
    case "amazon-linux":
      return `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${architecture}`;
  }
}

/** The image that the relay boots: the user's, or the newest at the time of the first `up`, kept from then on. */
export function relayImage(name: string, args: ResolvedArgs, parent: pulumi.Resource): pulumi.Output<string> {
  if (args.amiId !== undefined) return pulumi.output(args.amiId);
  const parameter = imageParameter(args.os, architectureOf(args.instanceType));
  // Not as an output: the parameter is public, but the provider marks every parameter's value as a secret.
  const newest = lookUp(
    `the newest image (${parameter})`,
    aws.ssm.getParameter({ name: parameter }, { parent }),
  );
  const value = newest.then((found) => found.value);
  return new KeptValue(`${name}-image`, { key: parameter, value }, { parent }).value;
}
