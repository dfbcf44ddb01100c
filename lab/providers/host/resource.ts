import { DEFAULTS, diffInputs, type Diff } from "./diff";
import type { Kind, Live } from "./kind";
import { compact, equal, plain, UNKNOWN, type Props } from "./values";

/** A creation or update that left something behind: the engine keeps it, shows the reason and tries again next time. */
export class InitFailed extends Error {
  constructor(
    readonly id: string,
    readonly state: Props,
    reason: string,
  ) {
    super(reason);
  }
}

/** A resource's identity, inputs and state after a read. */
export interface Found {
  id: string;
  inputs: Props;
  state: Props;
}

/** Creates a resource and reads it back. */
export async function createResource<C>(
  kind: Kind<C>,
  context: C,
  inputs: Props,
): Promise<{ id: string; state: Props }> {
  const created = await kind.create(context, inputs);
  return settle(kind, context, created.id, { ...given(inputs), ...created.outputs });
}

/** What a preview can tell of a resource that is to be created. */
export function previewCreate<C>(kind: Kind<C>, inputs: Props): Props {
  const state = given(inputs);
  for (const key of [...kind.outputs, ...(kind.chosen ?? [])]) state[key] ??= UNKNOWN;
  return state;
}

/** Applies changed inputs and reads the resource back. */
export async function updateResource<C>(
  kind: Kind<C>,
  context: C,
  id: string,
  old: { state: Props; inputs: Props },
  inputs: Props,
): Promise<Props> {
  const { changed } = diffInputs(kind, old.state, old.inputs, inputs);
  await kind.update?.(context, id, inputs, { state: old.state, oldInputs: old.inputs, changed });
  return (await settle(kind, context, id, nextState(kind, old, inputs))).state;
}

/** What a preview can tell of an update. */
export function previewUpdate<C>(
  kind: Kind<C>,
  old: { state: Props; inputs: Props },
  inputs: Props,
  diff: Diff,
): Props {
  const state = nextState(kind, old, inputs);
  for (const key of kind.touches?.(diff.changed) ?? []) state[key] = UNKNOWN;
  return state;
}

/**
 * Reads a resource: its inputs are the given ones, except where the cloud has something else.
 *
 * @returns undefined when it is gone
 */
export async function readResource<C>(
  kind: Kind<C>,
  context: C,
  id: string,
  known: { state: Props; inputs: Props },
): Promise<Found | undefined> {
  const live = await kind.read(context, id, known.state);
  if (!live) return undefined;
  const imported = Object.keys(known.inputs).length === 0;
  const drifted = merge(kind, known.inputs, live);
  const inputs: Props = imported ? compact(live.inputs) : {};
  for (const [key, value] of Object.entries(drifted)) {
    const added = key === "tags" && !equal(value, {});
    if (key in known.inputs || added) inputs[key] = value;
  }
  if (imported) inputs[DEFAULTS] = [];
  return { id, inputs, state: stateOf(kind, known.state, live) };
}

async function settle<C>(
  kind: Kind<C>,
  context: C,
  id: string,
  state: Props,
): Promise<{ id: string; state: Props }> {
  let live: Live | undefined;
  try {
    live = await kind.read(context, id, state);
  } catch (error) {
    throw new InitFailed(id, state, `reading ${id}: ${(error as Error).message}`);
  }
  if (!live) throw new Error(`reading ${id}: couldn't find resource`);
  return { id, state: stateOf(kind, state, live) };
}

/** `before` with the cloud's values wherever these mean something else. */
function merge<C>(kind: Kind<C>, before: Props, live: Live): Props {
  const result = { ...before };
  for (const [key, value] of Object.entries(live.inputs)) {
    const now = value === undefined || value === null ? undefined : plain(value);
    if ((kind.same?.[key] ?? equal)(before[key], now)) continue;
    if (now === undefined) delete result[key];
    else result[key] = now;
  }
  return result;
}

function stateOf<C>(kind: Kind<C>, before: Props, live: Live): Props {
  const state = merge(kind, before, live);
  for (const key of Object.keys(live.outputs)) delete state[key];
  return { ...state, ...compact(live.outputs) };
}

function nextState<C>(kind: Kind<C>, old: { state: Props; inputs: Props }, inputs: Props): Props {
  const kept = Object.entries(old.state).filter(
    ([key]) => !(key in old.inputs) || key in inputs || kind.chosen?.includes(key),
  );
  return { ...Object.fromEntries(kept), ...given(inputs) };
}

function given(inputs: Props): Props {
  return Object.fromEntries(Object.entries(inputs).filter(([key]) => key !== DEFAULTS));
}
