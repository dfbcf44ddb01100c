import * as pulumi from "@pulumi/pulumi";
import { CODE_VERSION, codeForState } from "../provider-code";
import { pause } from "./client";
import { connectToTailnet } from "./connect";
import {
  deleteDevice,
  devicesNamed,
  disableKeyExpiry,
  findReady,
  isNamed,
  isOnline,
  joinedSince,
} from "./devices";
import { withPlainErrors } from "./plain-errors";

/** Inputs of {@link RelayDevice}. */
export interface RelayDeviceArgs {
  hostname: pulumi.Input<string>;
  /** Tags that the device must carry; none: an untagged device, whose key expiry is turned off. */
  tags: string[];
  /** {@link Enrollment.serial}: a new life of the host is waited for anew. */
  serial: pulumi.Input<string>;
  /** {@link Enrollment.since}. */
  since: pulumi.Input<string>;
  /** {@link Enrollment.formerHostnames}: their devices go when this one is there. */
  formerHostnames: pulumi.Input<string[]>;
  /** The host: another one must show that it came up. */
  instanceId: pulumi.Input<string>;
  /** Another type stops the host and starts it again: it is waited for again. */
  instanceType: string;
  /** Seconds to wait until the device is online. */
  timeoutSeconds: number;
  /** What the error says after a timeout: which host it is and how to see its console. */
  hint: pulumi.Input<string>;
}

interface RelayDeviceInputs {
  hostname: string;
  tags: string[];
  serial: string;
  since: string;
  formerHostnames: string[];
  instanceId: string;
  instanceType: string;
  timeoutSeconds: number;
  hint: string;
  packageVersion: string;
}

interface RelayDeviceProps extends RelayDeviceInputs {
  deviceId: string;
  tailscaleIps: string[];
}

/**
 * The relay as the tailnet sees it. Creating it means to wait until it is there: joined in this life, authorized,
 * online, with its tags. Deleting it does nothing; the device goes with its {@link Enrollment}, after the VM.
 */
export class RelayDevice extends pulumi.dynamic.Resource {
  /** The device's node id in the Tailscale API. */
  declare readonly deviceId: pulumi.Output<string>;
  /** IPv4 first. */
  declare readonly tailscaleIps: pulumi.Output<string[]>;

  constructor(name: string, args: RelayDeviceArgs, opts?: pulumi.CustomResourceOptions) {
    const props = { ...args, deviceId: undefined, tailscaleIps: undefined, packageVersion: CODE_VERSION };
    super(code, name, props, opts, "peer-relay", "RelayDevice");
  }
}

/** Between two looks at the tailnet; a relay needs a minute or more, so seconds do not matter. */
const POLL_MS = 2_000;

async function waitUntilReady(
  config: pulumi.dynamic.Config | undefined,
  inputs: RelayDeviceInputs,
): Promise<RelayDeviceProps> {
  const client = connectToTailnet(config);
  const deadline = Date.now() + inputs.timeoutSeconds * 1000;
  for (;;) {
    const { devices, now } = await devicesNamed(client, [inputs.hostname, ...inputs.formerHostnames]);
    const named = devices.filter((device) => isNamed(device, inputs.hostname));
    const found = findReady(named, inputs, now);
    if ("device" in found) {
      const device = found.device;
      if (inputs.tags.length === 0) await disableKeyExpiry(client, device.nodeId);
      // An earlier life of this relay leaves its device behind; offline, it only makes clients wait for it.
      for (const old of devices) {
        if (!joinedSince(old, inputs.since) && !isOnline(old, now)) await deleteDevice(client, old.nodeId);
      }
      return { ...inputs, deviceId: device.nodeId, tailscaleIps: device.addresses ?? [] };
    }
    if (Date.now() >= deadline) {
      throw new Error(`relay not ready after ${inputs.timeoutSeconds} s: ${found.reason}. ${inputs.hint}`);
    }
    await pause(POLL_MS);
  }
}

const provider: pulumi.dynamic.ResourceProvider<RelayDeviceInputs, RelayDeviceProps> & {
  config?: pulumi.dynamic.Config;
} = {
  async configure(request: pulumi.dynamic.ConfigureRequest) {
    this.config = request.config;
  },
  async create(inputs: RelayDeviceInputs) {
    const outs = await waitUntilReady(this.config, inputs);
    return { id: outs.deviceId, outs };
  },
  async diff(_id: string, olds: RelayDeviceProps, news: RelayDeviceInputs) {
    const keys = ["hostname", "serial", "instanceId", "tags"] as const;
    const replaces = keys.filter((key) => JSON.stringify(olds[key]) !== JSON.stringify(news[key]));
    const updates = (["instanceType", "packageVersion"] as const).some((key) => olds[key] !== news[key]);
    return { changes: replaces.length > 0 || updates, replaces };
  },
  async update(_id: string, olds: RelayDeviceProps, news: RelayDeviceInputs) {
    const { deviceId, tailscaleIps } = olds;
    const restarted = olds.instanceType !== news.instanceType;
    return {
      outs: restarted ? await waitUntilReady(this.config, news) : { ...news, deviceId, tailscaleIps },
    };
  },
  async read(id: string, props?: RelayDeviceProps) {
    if (!props) throw new Error("import is not supported: `pulumi up` creates it");
    return withPlainErrors(async () => {
      const { devices } = await devicesNamed(connectToTailnet(this.config), [props.hostname]);
      const device = devices.find((candidate) => candidate.nodeId === id);
      if (!device) return { id: "", props };
      return { id, props: { ...props, tailscaleIps: device.addresses ?? [] } };
    });
  },
};

export { provider as relayDeviceProvider };
const code = codeForState("RelayDevice", provider);
