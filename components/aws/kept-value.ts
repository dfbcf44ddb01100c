import * as pulumi from "@pulumi/pulumi";
import { codeForState } from "../provider-code";

interface KeptValueProps {
  key: string;
  value: string;
}

/**
 * Keeps the first value that it is given, until `key` changes or it is replaced by hand. The relay's image goes
 * through it: "the newest Debian" moves every few weeks, and a relay must not be replaced because of that. Unlike
 * `ignoreChanges` on the VM, a change of system or architecture still gets the image that fits.
 *
 * It has no `packageVersion` as the other dynamic resources have: in a preview, an update of it would show the value
 * that it is about to refuse, and a replacement of the VM with it.
 */
export class KeptValue extends pulumi.dynamic.Resource {
  declare readonly value: pulumi.Output<string>;

  constructor(
    name: string,
    args: { key: string; value: pulumi.Input<string> },
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(code, name, { ...args }, opts, "peer-relay", "KeptValue");
  }
}

const provider: pulumi.dynamic.ResourceProvider<KeptValueProps, KeptValueProps> = {
  async create(inputs: KeptValueProps) {
    return { id: inputs.key, outs: inputs };
  },
  async diff(_id: string, olds: KeptValueProps, news: KeptValueProps) {
    const moved = olds.key !== news.key;
    return { changes: moved, replaces: moved ? ["key"] : [] };
  },
};

export { provider as keptValueProvider };
const code = codeForState("KeptValue", provider);
