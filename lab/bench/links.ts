import type { NetNs } from "../internet";

/**
 * How the lab's links are.
 * - `plain`: as the kernel makes them. Between two ends of a veth a batch of up to 64 datagrams passes as one packet,
 *   which flatters whoever sends in batches.
 * - `wire-like`: each datagram passes by itself, as on a wire, and the relay's interface collects them again (GRO), as
 *   network cards' drivers do.
 */
export type Links = "plain" | "wire-like";

/** Sets every link of the lab that there is now. */
export async function setLinks(control: NetNs, links: Links, relay: NetNs): Promise<void> {
  const word = links === "plain" ? "on" : "off";
  const devices = `ip -o link show type veth | sed 's/^[0-9]*: //; s/[@:].*//'`;
  const each = `for device in $(${devices}); do ethtool -K "$device" tx-udp-segmentation ${word}; done`;
  const namespaces = `for name in $(ip netns list | cut -d " " -f 1); do ip netns exec "$name" sh -ec '${each.replaceAll("'", `'\\''`)}'; done`;
  await control.must(["sh", "-ec", `${each}\n${namespaces}`]);
  await relay.must(["ethtool", "-K", "ens5", "gro", links === "plain" ? "off" : "on"]);
}
