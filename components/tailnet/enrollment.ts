import * as pulumi from "@pulumi/pulumi";
import { randomBytes } from "crypto";
import { CODE_VERSION, codeForState } from "../provider-code";
import { connectToTailnet } from "./connect";
import { deleteDevice, devicesNamed, isNamed, joinedSince } from "./devices";
import { rehearseKey } from "./key-rehearsal";
import { rehearseGrants, RehearsedGrants } from "./policy-rehearsal";
import { withPlainErrors } from "./plain-errors";

/** Inputs of {@link Enrollment}. */
export interface EnrollmentArgs {
  /** The host name that the relay joins with; no other device of the tailnet has it. */
  hostname: pulumi.Input<string>;
  /** Whatever makes the host a new one when it changes; a change asks for a new enrollment. */
  keepers: pulumi.Input<string>;
  /** What the stack will make an auth key for; unset when it makes none. It is tried first, see {@link rehearseKey}. */
  keyFor?: { tags: string[]; tagOwners: string[] };
  /** What the stack will write into the policy file when the relay is there; unset when nothing. Tried first, too. */
  grantsFor?: RehearsedGrants;
}

interface EnrollmentInputs {
  hostname: string;
  keepers: string;
  keyFor?: { tags: string[]; tagOwners: string[] };
  grantsFor?: RehearsedGrants;
  packageVersion: string;
}

interface EnrollmentProps extends EnrollmentInputs {
  serial: string;
  since: string;
  /** Names of earlier lives; what is left in the tailnet under them is this relay's, if it joined before `since`. */
  formerHostnames: string[];
}

/**
 * One life of the relay in the tailnet: its host joins once for each value of {@link serial}, with an auth key made
 * for that. A new host (its name, user data or image changed), or a device that somebody deleted, asks for a new serial.
 *
 * It stands before the key and the VM in the order of creation, so on destroy it comes after both, and what it does
 * then, deleting the devices of all its lives from the tailnet, can't be undone by a host that is still running and
 * joins again. For the same reason a new life is an update and deletes nothing: while the device of the old VM is there,
 * that VM has no reason to join again, with the key that is for the next one.
 */
export class Enrollment extends pulumi.dynamic.Resource {
  /** Changes with each life of the host; eight hexadecimal digits. */
  declare readonly serial: pulumi.Output<string>;
  /** When this life began (ISO 8601, the API server's clock): devices that joined before belong to earlier ones. */
  declare readonly since: pulumi.Output<string>;
  /** The host names of earlier lives. */
  declare readonly formerHostnames: pulumi.Output<string[]>;

  constructor(name: string, args: EnrollmentArgs, opts?: pulumi.CustomResourceOptions) {
    const props = {
      ...args,
      serial: undefined,
      since: undefined,
      formerHostnames: undefined,
      packageVersion: CODE_VERSION,
    };
    super(code, name, props, opts, "peer-relay", "Enrollment");
  }
}

async function begin(
  config: pulumi.dynamic.Config | undefined,
  inputs: EnrollmentInputs,
  formerHostnames: string[],
): Promise<EnrollmentProps> {
  const client = connectToTailnet(config);
  if (inputs.grantsFor) await rehearseGrants(client, inputs.grantsFor);
  if (inputs.keyFor) await rehearseKey(client, inputs.keyFor.tags, inputs.keyFor.tagOwners);
  const { now } = await devicesNamed(client, [inputs.hostname]);
  return { ...inputs, serial: randomBytes(4).toString("hex"), since: now, formerHostnames };
}

/** All names that the relay had before `hostname`, each once. */
function namesBefore(olds: EnrollmentProps, hostname: string): string[] {
  const names = [...(olds.formerHostnames ?? []), olds.hostname];
  return [...new Set(names)].filter((name) => name !== hostname);
}

const provider: pulumi.dynamic.ResourceProvider<EnrollmentInputs, EnrollmentProps> & {
  config?: pulumi.dynamic.Config;
} = {
  async configure(request: pulumi.dynamic.ConfigureRequest) {
    this.config = request.config;
  },
  async create(inputs: EnrollmentInputs) {
    return { id: inputs.hostname, outs: await begin(this.config, inputs, []) };
  },
  async diff(_id: string, olds: EnrollmentProps, news: EnrollmentInputs) {
    const keys = ["hostname", "keepers", "packageVersion"] as const;
    return { changes: keys.some((key) => olds[key] !== news[key]) };
  },
  async update(_id: string, olds: EnrollmentProps, news: EnrollmentInputs) {
    const sameHost = olds.hostname === news.hostname && olds.keepers === news.keepers;
    const { serial, since } = olds;
    const formerHostnames = namesBefore(olds, news.hostname);
    return {
      outs: sameHost
        ? { ...news, serial, since, formerHostnames }
        : await begin(this.config, news, formerHostnames),
    };
  },
  async read(id: string, props?: EnrollmentProps) {
    if (!props) throw new Error("import is not supported: `pulumi up` creates it");
    return withPlainErrors(async () => {
      const { devices } = await devicesNamed(connectToTailnet(this.config), [props.hostname]);
      const alive = devices.some((device) => joinedSince(device, props.since));
      return alive ? { id, props } : { id: "", props };
    });
  },
  async delete(_id: string, props: EnrollmentProps) {
    await withPlainErrors(async () => {
      const client = connectToTailnet(this.config);
      const names = [props.hostname, ...(props.formerHostnames ?? [])];
      const { devices } = await devicesNamed(client, names);
      // A former name may be somebody else's by now: its Elastic IP was given back.
      const ours = devices.filter(
        (device) => isNamed(device, props.hostname) || !joinedSince(device, props.since),
      );
      for (const device of ours) await deleteDevice(client, device.nodeId);
    });
  },
};

export { provider as enrollmentProvider };
const code = codeForState("Enrollment", provider);
