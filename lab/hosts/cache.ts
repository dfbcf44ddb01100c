import { homedir } from "node:os";
import { join } from "node:path";

/** The cache that `scripts/setup` fills. */
export const cache =
  process.env.PEER_RELAY_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "peer-relay");

/** The version of tailscale that is in the cache. */
export const tailscaleVersion = "1.102.3";

/** Directories with programs that `scripts/setup` has built. */
export const programs = {
  tailscale: join(cache, `bin/tailscale-${tailscaleVersion}`),
  headscale: join(cache, "bin/headscale-0.29.0/headscale"),
};
