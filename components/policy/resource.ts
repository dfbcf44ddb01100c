import * as pulumi from "@pulumi/pulumi";
import { CODE_VERSION, codeForState } from "../provider-code";
import { connectToTailnet } from "../tailnet/connect";
import { refuseExternallyManaged } from "../tailnet/externally-managed";
import { withPlainErrors } from "../tailnet/plain-errors";
import { policyFileOf } from "../tailnet/policy-file";
// From their own files, not from the folder's door: Pulumi's closure serialiser does not see through re-exports.
import { editPolicyFile } from "./edit-policy-file";
import type { Grant, PolicyFragment, TagOwners } from "./fragment";
import { fragmentStatus, takenParts } from "./fragment-status";
import { addFragment, removeFragment } from "./merge";
import { unifiedDiff } from "./policy-diff";
import { PolicyError } from "./policy-error";

/** Inputs of {@link PolicyFragmentResource}: a {@link PolicyFragment}, and how to treat what stands in its way. */
export interface PolicyFragmentArgs {
  owner: pulumi.Input<string>;
  grants: pulumi.Input<Grant[]>;
  tagOwners: pulumi.Input<TagOwners>;
  /** See `PeerRelayArgs.keepAllowAll`. */
  keepAllowAll: boolean;
  /** See `PeerRelayArgs.forcePolicy`. */
  force: boolean;
}

interface PolicyFragmentProps extends PolicyFragment {
  keepAllowAll: boolean;
  force: boolean;
  packageVersion: string;
  /** Set by a refresh that found our part of the file incomplete, edited by hand, or open against others' rules. */
  drift?: string;
}

/**
 * One owner's part of the tailnet's policy file, merged in on create and taken out on delete, and nothing else
 * touched. Previews never write. Refresh sees when the part was removed (it is then created again) or changed.
 */
export class PolicyFragmentResource extends pulumi.dynamic.Resource {
  constructor(name: string, args: PolicyFragmentArgs, opts?: pulumi.CustomResourceOptions) {
    super(code, name, { ...args, packageVersion: CODE_VERSION }, opts, "peer-relay", "PolicyFragment");
  }
}

/** Pulumi's sign for a value that a preview does not know yet (`@pulumi/pulumi/runtime/rpc`). */
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/**
 * Says what the write will make of the file: Pulumi shows what a provider prints on standard error, in previews too. It
 * never fails; what stands in the way is for the write itself to complain of.
 */
async function announce(
  config: pulumi.dynamic.Config | undefined,
  props: PolicyFragmentProps,
  previous?: PolicyFragment,
): Promise<void> {
  if (JSON.stringify(fragmentOf(props)).includes(UNKNOWN)) return;
  try {
    const { text } = await policyFileOf(connectToTailnet(config)).read();
    const diff = unifiedDiff("policy.hujson", text, edited(text, props, previous));
    if (diff !== "") console.error(`${props.owner} changes the policy file:\n${diff}`);
  } catch (error) {
    console.error(`${props.owner} can't change the policy file: ${(error as Error).message}`);
  }
}

/** What a change of means an update; `force` too, because delete goes by what the state says. */
function allOf(props: PolicyFragmentProps): unknown[] {
  const { grants, tagOwners, keepAllowAll, force, packageVersion, drift } = props;
  return [grants, tagOwners, keepAllowAll, force, packageVersion, drift ?? null];
}

function fragmentOf(props: PolicyFragmentProps): PolicyFragment {
  return { owner: props.owner, grants: props.grants, tagOwners: props.tagOwners };
}

async function merge(
  config: pulumi.dynamic.Config | undefined,
  props: PolicyFragmentProps,
  previous?: PolicyFragment,
): Promise<void> {
  const client = connectToTailnet(config);
  await refuseExternallyManaged(client);
  await editPolicyFile(policyFileOf(client), (text, retryOf) => edited(text, props, previous, retryOf));
}

function edited(
  text: string,
  props: PolicyFragmentProps,
  previous?: PolicyFragment,
  retryOf?: string,
): string {
  if (!previous && !props.force) refuseTaken(text, fragmentOf(props));
  const { keepAllowAll, force } = props;
  return addFragment(text, fragmentOf(props), { keepAllowAll, force, previous, retryOf });
}

/**
 * A new stack whose owner's name has something else in the file already: most likely it is another stack's. The same
 * content is let through: that is what an `up` left behind that was cut off before its state was saved.
 */
function refuseTaken(text: string, fragment: PolicyFragment): void {
  const taken = takenParts(text, fragment);
  if (taken.length === 0) return;
  throw new PolicyError(
    "owner-taken",
    `the policy file has a part of "${fragment.owner}" already, with another content (${taken.map(({ part }) => part).join(", ")}). ` +
      "Project, stack and relay name together must be unique in a tailnet: is there a second stack of that name, of " +
      "somebody else? Rename one. If the part is this stack's own and its state was lost, set forcePolicy for one up.",
  );
}

const provider: pulumi.dynamic.ResourceProvider<PolicyFragmentProps, PolicyFragmentProps> & {
  config?: pulumi.dynamic.Config;
} = {
  async configure(request: pulumi.dynamic.ConfigureRequest) {
    this.config = request.config;
  },
  async check(olds: Partial<PolicyFragmentProps>, news: PolicyFragmentProps) {
    if (olds.owner === undefined) await announce(this.config, news);
    return { inputs: news };
  },
  async create(inputs: PolicyFragmentProps) {
    await merge(this.config, inputs);
    return { id: inputs.owner, outs: inputs };
  },
  async diff(_id: string, olds: PolicyFragmentProps, news: PolicyFragmentProps) {
    const moved = olds.owner !== news.owner;
    const changes = moved || JSON.stringify(allOf(olds)) !== JSON.stringify(allOf(news));
    if (changes) await announce(this.config, news, moved ? undefined : fragmentOf(olds));
    return { changes, replaces: moved ? ["owner"] : [] };
  },
  async update(_id: string, olds: PolicyFragmentProps, news: PolicyFragmentProps) {
    // Another version of this package is no reason to touch the file.
    const same =
      JSON.stringify(allOf({ ...olds, packageVersion: news.packageVersion })) === JSON.stringify(allOf(news));
    if (!same) await merge(this.config, news, fragmentOf(olds));
    return { outs: news };
  },
  async read(id: string, props?: PolicyFragmentProps) {
    if (!props) throw new Error("import is not supported: `pulumi up` creates it");
    return withPlainErrors(async () => {
      const { text } = await policyFileOf(connectToTailnet(this.config)).read();
      const clean = { ...props };
      delete clean.drift;
      const status = fragmentStatus(text, fragmentOf(props));
      if (status === "present") return { id, props: clean };
      if (status === "absent") return { id: "", props: clean };
      return { id, props: { ...clean, drift: status } };
    });
  },
  async delete(_id: string, props: PolicyFragmentProps) {
    await withPlainErrors(async () => {
      const store = policyFileOf(connectToTailnet(this.config));
      const { force } = props;
      await editPolicyFile(store, (text, retryOf) =>
        removeFragment(text, fragmentOf(props), { force, retryOf }),
      );
    });
  },
};

export { provider as policyFragmentProvider };
const code = codeForState("PolicyFragment", provider);
