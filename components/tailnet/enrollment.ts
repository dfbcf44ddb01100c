import * as pulumi from "@pulumi/pulumi";
import { randomBytes } from "crypto";
import { PACKAGE_VERSION } from "../package-version";
import { connectToTailnet } from "./connect";
import { deleteDevice, devicesNamed, joinedSince } from "./devices";
import { rehearseKey } from "./key-rehearsal";

/** Inputs of {@link Enrollment}. */
export interface EnrollmentArgs {
  /** The host name that the relay joins with; no other device of the tailnet has it. */
  hostname: pulumi.Input<string>;
  /** Whatever makes the host a new one when it changes; a change asks for a new enrollment. */
  keepers: pulumi.Input<string>;
  /** What the stack will make an auth key for; unset when it makes none. It is tried first, see {@link rehearseKey}. */
  keyFor?: { tags: string[]; tagOwners: string[] };
}

interface EnrollmentProps {
  hostname: string;
  keepers: string;
  keyFor?: { tags: string[]; tagOwners: string[] };
  serial: string;
  since: string;
  packageVersion: string;
}

/**
 * One life of the relay in the tailnet: its host joins once for each value of {@link serial}, with an auth key made
 * for that. A new host (its user data or image changed), or a device that somebody deleted, asks for a new serial.
 *
 * It stands before the key and the VM in the order of creation, so on destroy it comes after both, and what it does
 * then, deleting the device from the tailnet, can't be undone by a host that is still running and joins again. When it
 * is replaced together with a running VM, the old VM may be quicker and take the new key; replacing it once more, when
 * the old VM is gone, helps.
 */
export class Enrollment extends pulumi.dynamic.Resource {
  /** Changes with each life of the host; eight hexadecimal digits. */
  declare readonly serial: pulumi.Output<string>;
  /** When this life began (ISO 8601, the API server's clock): devices that joined before belong to earlier ones. */
  declare readonly since: pulumi.Output<string>;

  constructor(name: string, args: EnrollmentArgs, opts?: pulumi.CustomResourceOptions) {
    const props = { ...args, serial: undefined, since: undefined, packageVersion: PACKAGE_VERSION };
    super(provider, name, props, opts, "peer-relay", "Enrollment");
  }
}

async function begin(
  config: pulumi.dynamic.Config | undefined,
  inputs: EnrollmentProps,
): Promise<EnrollmentProps> {
  const client = connectToTailnet(config);
  if (inputs.keyFor) await rehearseKey(client, inputs.keyFor.tags, inputs.keyFor.tagOwners);
  const { now } = await devicesNamed(client, inputs.hostname);
  return {
    hostname: inputs.hostname,
    keepers: inputs.keepers,
    // The engine takes no undefined.
    ...(inputs.keyFor && { keyFor: inputs.keyFor }),
    serial: randomBytes(4).toString("hex"),
    since: now,
    packageVersion: inputs.packageVersion,
  };
}

const provider: pulumi.dynamic.ResourceProvider<EnrollmentProps, EnrollmentProps> & {
  config?: pulumi.dynamic.Config;
} = {
  async configure(request: pulumi.dynamic.ConfigureRequest) {
    this.config = request.config;
  },
  async create(inputs: EnrollmentProps) {
    return { id: inputs.hostname, outs: await begin(this.config, inputs) };
  },
  async diff(_id: string, olds: EnrollmentProps, news: EnrollmentProps) {
    const renamed = olds.hostname !== news.hostname;
    const changes = renamed || olds.keepers !== news.keepers || olds.packageVersion !== news.packageVersion;
    return { changes, replaces: renamed ? ["hostname"] : [] };
  },
  async update(_id: string, olds: EnrollmentProps, news: EnrollmentProps) {
    const sameHost = olds.keepers === news.keepers;
    return {
      outs: sameHost ? { ...olds, packageVersion: news.packageVersion } : await begin(this.config, news),
    };
  },
  async read(id: string, props?: EnrollmentProps) {
    if (!props) throw new Error("import is not supported: `pulumi up` creates it");
    const { devices } = await devicesNamed(connectToTailnet(this.config), props.hostname);
    const alive = devices.some((device) => joinedSince(device, props.since));
    return alive ? { id, props } : { id: "", props };
  },
  async delete(_id: string, props: EnrollmentProps) {
    const client = connectToTailnet(this.config);
    const { devices } = await devicesNamed(client, props.hostname);
    for (const device of devices) await deleteDevice(client, device.nodeId);
  },
};
