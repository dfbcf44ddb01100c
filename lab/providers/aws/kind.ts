import type { Kind, Props } from "../host";
import { text } from "../host";
import { ApiError, during, isNotFound } from "./api-error";
import type { Aws, Regional } from "./context";

/** A kind of AWS resource in one region, with the name that the real provider's messages give it. */
export interface AwsKind extends Kind<Regional> {
  label: string;
}

const DEPENDENCY_TIMEOUT_MS = 10_000;
const POLL_MS = 200;

/**
 * What all AWS kinds share: `region` (an input of every regional resource since @pulumi/aws 7), messages that say what
 * was tried, "not found" meaning gone, and retries while something that is being deleted still depends on it.
 */
export function awsKind(kind: AwsKind, global = false): Kind<Aws> {
  const { label, update } = kind;
  const at = (aws: Aws, props: Props) => aws.in(global ? undefined : text(props, "region"));
  return {
    ...kind,
    inputs: global ? kind.inputs : [...kind.inputs, "region"],
    replaceOn: [...(kind.replaceOn ?? []), "region"],
    chosen: global ? (kind.chosen ?? []) : [...(kind.chosen ?? []), "region"],
    create: (aws, inputs) => during(`creating ${label}`, () => kind.create(at(aws, inputs), inputs)),
    async read(aws, id, state) {
      const here = at(aws, state);
      const live = await during(`reading ${label} (${id})`, () => kind.read(here, id, state)).catch(
        goneIfNotFound,
      );
      if (live && !global) live.inputs["region"] = here.region;
      return live;
    },
    update: update
      ? (aws, id, inputs, change) =>
          during(`updating ${label} (${id})`, () => update(at(aws, change.state), id, inputs, change))
      : undefined,
    async delete(aws, id, state) {
      const here = at(aws, state);
      const remove = () => during(`deleting ${label} (${id})`, () => kind.delete(here, id, state));
      await whileDependedOn(here.signal, remove).catch(goneIfNotFound);
    },
  };
}

function goneIfNotFound(error: unknown): undefined {
  if (isNotFound(error)) return undefined;
  throw error;
}

async function whileDependedOn(signal: AbortSignal, action: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + DEPENDENCY_TIMEOUT_MS;
  for (;;) {
    try {
      return await action();
    } catch (error) {
      const again = error instanceof ApiError && error.code === "DependencyViolation";
      if (!again || signal.aborted || Date.now() > deadline) throw error;
      await sleep(POLL_MS);
    }
  }
}

/** Polls until `done` says so. @throws after `timeoutMs`, or when the engine cancels */
export async function waitFor(
  here: Pick<Regional, "signal">,
  what: string,
  done: () => Promise<boolean>,
  timeoutMs = 600_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await done())) {
    if (here.signal.aborted) throw new Error(`waiting for ${what}: cancelled`);
    if (Date.now() > deadline) throw new Error(`waiting for ${what}: timeout`);
    await sleep(POLL_MS);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
