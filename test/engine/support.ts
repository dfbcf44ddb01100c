import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EC2Client } from "@aws-sdk/client-ec2";
import { SSMClient } from "@aws-sdk/client-ssm";
import type { CommandResult, Lab, Stack } from "../../lab";
import { REPO } from "../../lab";

/** One resource as the state file has it. */
export interface StateResource {
  urn: string;
  type: string;
  id?: string;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
  dependencies?: string[];
}

/** A policy of a real tailnet, from the corpus. */
export function corpusPolicy(name: string): string {
  return readFileSync(join(REPO, "test/corpus", name), "utf8");
}

/** Path of a stack's state file. */
export function stateFile(lab: Lab, stack: Stack, project = "peer-relay"): string {
  return join(lab.dir, "state/.pulumi/stacks", project, `${stack.name}.json`);
}

/** The text of a stack's state file. */
export function stateText(lab: Lab, stack: Stack, project = "peer-relay"): string {
  return readFileSync(stateFile(lab, stack, project), "utf8");
}

/** The resources of a stack, by logical name. */
export function stateOf(lab: Lab, stack: Stack): Map<string, StateResource> {
  const file = JSON.parse(stateText(lab, stack)) as {
    checkpoint: { latest?: { resources?: StateResource[] } };
  };
  const resources = file.checkpoint.latest?.resources ?? [];
  return new Map(resources.map((resource) => [nameOf(resource.urn), resource]));
}

export function nameOf(urn: string): string {
  return urn.slice(urn.lastIndexOf("::") + 2);
}

/** Runs a command that must succeed. */
export async function ok(lab: Lab, stack: Stack, ...args: string[]): Promise<CommandResult> {
  const result = await lab.engine.run(stack, args);
  assert.equal(result.code, 0, `pulumi ${args.join(" ")}:\n${result.output}`);
  return result;
}

/** Runs a command that must fail. */
export async function fails(lab: Lab, stack: Stack, ...args: string[]): Promise<string> {
  const result = await lab.engine.run(stack, args);
  assert.notEqual(result.code, 0, `pulumi ${args.join(" ")} should have failed:\n${result.output}`);
  return result.output;
}

export const up = (lab: Lab, stack: Stack, ...more: string[]) =>
  ok(lab, stack, "up", "--yes", "--skip-preview", ...more);
export const destroy = (lab: Lab, stack: Stack) => ok(lab, stack, "destroy", "--yes", "--skip-preview");
export const refresh = (lab: Lab, stack: Stack) => ok(lab, stack, "refresh", "--yes", "--skip-preview");

/** What `up` did to each resource, by logical name: `created`, `updated`, `replaced`, `deleted`. */
export function changesIn(output: string): Record<string, string> {
  const changes: Record<string, string> = {};
  for (const line of output.split("\n")) {
    const match = /^\s*[-+~@]{0,2}\s+\S+:\S+ (\S+) (created|updated|deleted|replaced)\b/.exec(line);
    const [, name, verb] = match ?? [];
    // A replacement is told as created, replaced and deleted; the most telling word stays.
    if (name && verb && changes[name] !== "replaced")
      changes[name] = changes[name] && verb !== "replaced" ? "replaced" : verb;
  }
  return changes;
}

export function ec2(lab: Lab, region: string): EC2Client {
  return new EC2Client(clientConfig(lab, region));
}

export function ssm(lab: Lab, region: string): SSMClient {
  return new SSMClient(clientConfig(lab, region));
}

function clientConfig(lab: Lab, region: string) {
  const credentials = { accessKeyId: "lab", secretAccessKey: "lab" };
  return { endpoint: lab.aws.endpoint, region, credentials };
}
