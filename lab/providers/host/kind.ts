import type { Props, Value } from "./values";

/** An input that a kind refuses, reported at preview. */
export interface Failure {
  property: string;
  reason: string;
}

/** A resource as its cloud has it now. */
export interface Live {
  /** The inputs that can be told from the cloud and are worth comparing; null or undefined for what is not set there. */
  inputs: Record<string, Value | undefined>;
  /** All outputs that are not inputs. */
  outputs: Record<string, Value | undefined>;
}

/** What a creation returns beside what a read can tell. */
export interface Created {
  id: string;
  /** Outputs that only the creation's answer has, such as a key's secret. */
  outputs?: Props;
}

/** One kind of resource; `C` is what the provider's `configure` made (clients, defaults). */
export interface Kind<C> {
  /** All inputs that the stand-in knows; it refuses others rather than leave them out. */
  inputs: readonly string[];
  /** Inputs that must be there. */
  required?: readonly string[];
  /** Values for inputs that are not given. */
  defaults?: Props;
  /** The input that gets `<resource name>-<7 hex digits>` when it is not given. */
  autoname?: string;
  /** Inputs whose change replaces the resource: names, dotted paths, or `"*"` for all. */
  replaceOn?: readonly string[];
  /** Inputs that the cloud chooses when they are not given: taking them out of the program changes nothing. */
  chosen?: readonly string[];
  /** Outputs, unknown in a preview of the creation. */
  outputs: readonly string[];
  /** Equality of inputs that are not compared literally. */
  same?: Readonly<Record<string, (a: Value | undefined, b: Value | undefined) => boolean>>;
  /** Refusals at preview, beside `required`. Values may be unknown. */
  validate?(inputs: Props): Failure[];
  /** Further reasons to replace, as property names. */
  replaces?(state: Props, inputs: Props, changed: readonly string[]): string[];
  /** Outputs that an update of these inputs changes: unknown in its preview. */
  touches?(changed: readonly string[]): string[];
  create(context: C, inputs: Props): Promise<Created>;
  /** @returns undefined when it is gone */
  read(context: C, id: string, state: Props): Promise<Live | undefined>;
  /** Applies the changed inputs. Absent: every change replaces. */
  update?(context: C, id: string, inputs: Props, change: Change): Promise<void>;
  /** Succeeds when it is gone already. */
  delete(context: C, id: string, state: Props): Promise<void>;
}

/** What an update starts from. */
export interface Change {
  state: Props;
  oldInputs: Props;
  /** Names of the top-level inputs that differ. */
  changed: readonly string[];
}

/** A provider: what the host serves. */
export interface Provider<C> {
  name: string;
  /** By type token, `aws:ec2/instance:Instance`. */
  kinds: Readonly<Record<string, Kind<C>>>;
  /** By function token, `aws:ec2/getVpc:getVpc`. */
  invokes: Readonly<Record<string, (context: C, args: Props) => Promise<Record<string, Value | undefined>>>>;
  /** Makes the context from the provider's configuration (stack config or explicit arguments). */
  configure(config: Props, signal: AbortSignal): C;
}
