import * as pulumi from "@pulumi/pulumi";
import { connectToTailnet } from "../tailnet/connect";
import { policyFileOf } from "../tailnet/policy-file";
// From their own files, not from the folder's door: Pulumi's closure serialiser does not see through re-exports.
import { editPolicyFile } from "./edit-policy-file";
import type { Grant, PolicyFragment, TagOwners } from "./fragment";
import { fragmentStatus } from "./fragment-status";
import { addFragment, removeFragment } from "./merge";

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
  /** Set by a refresh that found our part of the file incomplete or edited by hand. */
  drift?: string;
}

/**
 * One owner's part of the tailnet's policy file, merged in on create and taken out on delete, and nothing else
 * touched. Previews never write. Refresh sees when the part was removed (it is then created again) or changed.
 */
export class PolicyFragmentResource extends pulumi.dynamic.Resource {
  constructor(name: string, args: PolicyFragmentArgs, opts?: pulumi.CustomResourceOptions) {
    super(provider, name, { ...args }, opts, "peer-relay", "PolicyFragment");
  }
}

function fragmentOf(props: PolicyFragmentProps): PolicyFragment {
  return { owner: props.owner, grants: props.grants, tagOwners: props.tagOwners };
}

async function merge(
  config: pulumi.dynamic.Config | undefined,
  props: PolicyFragmentProps,
  previous?: PolicyFragment,
): Promise<void> {
  const store = policyFileOf(connectToTailnet(config));
  const options = { keepAllowAll: props.keepAllowAll, force: props.force, previous };
  await editPolicyFile(store, (text) => addFragment(text, fragmentOf(props), options));
}

const provider: pulumi.dynamic.ResourceProvider<PolicyFragmentProps, PolicyFragmentProps> & {
  config?: pulumi.dynamic.Config;
} = {
  async configure(request: pulumi.dynamic.ConfigureRequest) {
    this.config = request.config;
  },
  async create(inputs: PolicyFragmentProps) {
    await merge(this.config, inputs);
    return { id: inputs.owner, outs: inputs };
  },
  async diff(_id: string, olds: PolicyFragmentProps, news: PolicyFragmentProps) {
    const moved = olds.owner !== news.owner;
    const changed =
      olds.drift !== undefined ||
      JSON.stringify([olds.grants, olds.tagOwners]) !== JSON.stringify([news.grants, news.tagOwners]);
    return { changes: moved || changed, replaces: moved ? ["owner"] : [] };
  },
  async update(_id: string, olds: PolicyFragmentProps, news: PolicyFragmentProps) {
    await merge(this.config, news, fragmentOf(olds));
    return { outs: news };
  },
  async read(id: string, props?: PolicyFragmentProps) {
    if (!props) throw new Error("import is not supported: `pulumi up` creates it");
    const { text } = await policyFileOf(connectToTailnet(this.config)).read();
    const clean = { ...props };
    delete clean.drift;
    const status = fragmentStatus(text, fragmentOf(props));
    if (status === "present") return { id, props: clean };
    if (status === "absent") return { id: "", props: clean };
    return { id, props: { ...clean, drift: status } };
  },
  async delete(_id: string, props: PolicyFragmentProps) {
    const store = policyFileOf(connectToTailnet(this.config));
    await editPolicyFile(store, (text) => removeFragment(text, fragmentOf(props), { force: props.force }));
  },
};
