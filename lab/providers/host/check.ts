import { createHash } from "node:crypto";
import { DEFAULTS } from "./diff";
import type { Failure, Kind } from "./kind";
import type { Props } from "./values";

/** A resource's inputs, completed, and what is wrong with them. */
export interface Checked {
  inputs: Props;
  failures: Failure[];
}

type Rules = Pick<Kind<never>, "inputs" | "required" | "defaults" | "autoname" | "validate">;

/**
 * Completes inputs with defaults and a name, and refuses what is missing or wrong.
 *
 * @param olds the inputs of the existing resource; a made-up name is kept. Empty for a new one and for a replacement
 * @param seed the engine's random seed, so that preview and update make up the same name
 */
export function checkInputs(kind: Rules, name: string, olds: Props, news: Props, seed: Uint8Array): Checked {
  const made = Object.keys(kind.defaults ?? {}).filter((key) => news[key] === undefined);
  const inputs: Props = { ...kind.defaults, ...news };
  const auto = kind.autoname;
  if (auto && inputs[auto] === undefined) {
    made.push(auto);
    const old = olds[DEFAULTS];
    const kept = Array.isArray(old) && old.includes(auto) ? olds[auto] : undefined;
    inputs[auto] = kept ?? `${name}-${createHash("sha256").update(seed).digest("hex").slice(0, 7)}`;
  }
  inputs[DEFAULTS] = made.sort();
  const missing = (kind.required ?? []).filter((key) => inputs[key] === undefined);
  const failures = missing.map((key) => ({
    property: key,
    reason: `Missing required argument: "${key}" is required`,
  }));
  const strange = Object.keys(news).filter((key) => !kind.inputs.includes(key) && !key.startsWith("__"));
  failures.push(
    ...strange.map((key) => ({ property: key, reason: "the lab's stand-in does not know this argument" })),
  );
  return { inputs, failures: [...failures, ...(kind.validate?.(inputs) ?? [])] };
}
