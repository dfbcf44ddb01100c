import * as pulumi from "@pulumi/pulumi";
import { PACKAGE_VERSION } from "../package-version";

interface KeptValueProps {
  key: string;
  value: string;
  packageVersion: string;
}

/**
 * Keeps the first value that it is given, until `key` changes or it is replaced by hand. The relay's image goes
 * through it: "the newest Debian" moves every few weeks, and a relay must not be replaced because of that. Unlike
 * `ignoreChanges` on the VM, a change of system or architecture still gets the image that fits.
 */
export class KeptValue extends pulumi.dynamic.Resource {
  declare readonly value: pulumi.Output<string>;

  constructor(
    name: string,
    args: { key: string; value: pulumi.Input<string> },
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(provider, name, { ...args, packageVersion: PACKAGE_VERSION }, opts, "peer-relay", "KeptValue");
  }
}

const provider: pulumi.dynamic.ResourceProvider<KeptValueProps, KeptValueProps> = {
  async create(inputs: KeptValueProps) {
    return { id: inputs.key, outs: inputs };
  },
  async diff(_id: string, olds: KeptValueProps, news: KeptValueProps) {
    const moved = olds.key !== news.key;
    return {
      changes: moved || olds.packageVersion !== news.packageVersion,
      replaces: moved ? ["key"] : [],
    };
  },
  async update(_id: string, olds: KeptValueProps, news: KeptValueProps) {
    return { outs: { ...olds, packageVersion: news.packageVersion } };
  },
};
