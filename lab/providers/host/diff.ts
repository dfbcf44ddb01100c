import type { Kind } from "./kind";
import { equal, isObject, type Props, type Value } from "./values";

/** How one property differs; the names are those of the protocol's `PropertyDiff.Kind`. */
export type DiffKind = "ADD" | "ADD_REPLACE" | "DELETE" | "DELETE_REPLACE" | "UPDATE" | "UPDATE_REPLACE";

/** The difference between what a resource was given and what it shall be given. */
export interface Diff {
  /** Top-level inputs that differ. */
  changed: string[];
  /** Properties that force a replacement. */
  replaces: string[];
  /** By property path, `tags.Name` or `tags["a.b"]`. */
  detailed: Record<string, DiffKind>;
  /** The same name cannot exist twice: delete before the replacement is created. */
  deleteBeforeReplace: boolean;
}

type Rules = Pick<Kind<never>, "replaceOn" | "chosen" | "same" | "replaces" | "update" | "autoname">;

/** Compares old and new inputs by a kind's rules. Unknown new values count as changed. */
export function diffInputs(kind: Rules, state: Props, oldInputs: Props, inputs: Props): Diff {
  const detailed: Record<string, DiffKind> = {};
  const changed: string[] = [];
  const replaces: string[] = [];
  for (const key of new Set([...Object.keys(oldInputs), ...Object.keys(inputs)])) {
    if (key === DEFAULTS || !differs(kind, key, oldInputs[key], inputs[key])) continue;
    changed.push(key);
    for (const [path, change] of leaves([key], oldInputs[key], inputs[key])) {
      const replace = forcesReplace(kind, path);
      detailed[pathText(path)] = replace ? `${change}_REPLACE` : change;
      if (replace) replaces.push(pathText(path));
    }
  }
  for (const key of kind.replaces?.(state, inputs, changed) ?? []) {
    detailed[key] = "UPDATE_REPLACE";
    replaces.push(key);
  }
  return {
    changed,
    replaces: [...new Set(replaces)],
    detailed,
    deleteBeforeReplace: sameName(kind, oldInputs, inputs),
  };
}

/** The input property in which the host keeps the names of the inputs that it made up, as Pulumi's bridge does. */
export const DEFAULTS = "__defaults";

function differs(kind: Rules, key: string, before: Value | undefined, after: Value | undefined): boolean {
  if (after === undefined && kind.chosen?.includes(key)) return false;
  return !(kind.same?.[key] ?? equal)(before, after);
}

function forcesReplace(kind: Rules, path: readonly string[]): boolean {
  const rules = kind.replaceOn ?? [];
  return (
    !kind.update || rules.includes("*") || path.some((_, i) => rules.includes(path.slice(0, i + 1).join(".")))
  );
}

/** A name that the user fixed stays the same over a replacement. */
function sameName(kind: Rules, oldInputs: Props, inputs: Props): boolean {
  const name = kind.autoname;
  if (!name) return false;
  const made = inputs[DEFAULTS];
  return equal(oldInputs[name], inputs[name]) && !(Array.isArray(made) && made.includes(name));
}

/** The innermost object members that differ; lists are compared whole. */
function leaves(
  path: string[],
  before: Value | undefined,
  after: Value | undefined,
): [string[], "ADD" | "DELETE" | "UPDATE"][] {
  if (isObject(before) && isObject(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...keys].flatMap((key) =>
      equal(before[key], after[key]) ? [] : leaves([...path, key], before[key], after[key]),
    );
  }
  return [[path, before === undefined ? "ADD" : after === undefined ? "DELETE" : "UPDATE"]];
}

function pathText([first = "", ...rest]: readonly string[]): string {
  return (
    first +
    rest.map((key) => (/^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`)).join("")
  );
}
