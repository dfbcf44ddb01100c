/** What differs between two headscales of the lab. */
export interface HeadscaleConfig {
  url: string;
  /** `203.0.113.10:443` */
  listen: string;
  dir: string;
  derpMapFile: string;
  /** Certificate and key. */
  tls: { cert: string; key: string };
  /** MagicDNS suffix. */
  dnsSuffix: string;
}

/**
 * headscale's config file; JSON is YAML. Nothing in it leads outside: no DERP map by URL, no update check, no logs to
 * anybody, no name server.
 */
export function renderConfig(o: HeadscaleConfig): string {
  const config = {
    server_url: o.url,
    listen_addr: o.listen,
    metrics_listen_addr: "",
    // With TLS on, headscale insists on serving gRPC too; nobody uses it.
    grpc_listen_addr: "127.0.0.1:0",
    noise: { private_key_path: `${o.dir}/noise.key` },
    prefixes: { v4: "100.64.0.0/10", v6: "fd7a:115c:a1e0::/48", allocation: "sequential" },
    derp: { server: { enabled: false }, urls: [], paths: [o.derpMapFile], auto_update_enabled: false },
    disable_check_updates: true,
    // As on Tailscale: people's devices expire after 180 days, tagged ones never. headscale's least for ephemeral ones is 65 s.
    node: { expiry: "180d", ephemeral: { inactivity_timeout: "66s" } },
    database: { type: "sqlite", sqlite: { path: `${o.dir}/headscale.db`, write_ahead_log: true } },
    // The API may write the policy only when it is in the database.
    policy: { mode: "database" },
    dns: { magic_dns: true, base_domain: o.dnsSuffix, override_local_dns: false },
    unix_socket: `${o.dir}/headscale.sock`,
    tls_cert_path: o.tls.cert,
    tls_key_path: o.tls.key,
    // Its defaults gather changes for up to a second before nodes hear of them; a lab is small and waits for each.
    tuning: { batch_change_delay: "10ms", node_store_batch_timeout: "10ms" },
    logtail: { enabled: false },
    log: { level: "info", format: "text" },
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}
