import type { Provider } from "../host";
import { configure, type Tailscale } from "./client";
import { tailnetKey } from "./tailnet-key";

/** The stand-in for @pulumi/tailscale: the one kind that PeerRelay uses. The policy and the device are its own. */
export const provider: Provider<Tailscale> = {
  name: "tailscale",
  kinds: { "tailscale:index/tailnetKey:TailnetKey": tailnetKey },
  invokes: {},
  configure: (config, signal) => configure(config, signal),
};
