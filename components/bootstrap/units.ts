/** The unit that brings the relay up at every boot, and again every 30 s for as long as it fails. */
export const bootstrapUnit = `[Unit]
Description=Tailscale peer relay: install, join, serve
Wants=network-online.target
After=network-online.target nftables.service netfilter-persistent.service iptables.service ufw.service firewalld.service
StartLimitIntervalSec=0

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/lib/peer-relay/bootstrap run
Restart=on-failure
RestartSec=30s
TimeoutStartSec=30min
StandardOutput=journal+console
StandardError=journal+console

[Install]
WantedBy=multi-user.target
`;

/** One health look. */
export const healthUnit = `[Unit]
Description=Tailscale peer relay: health
After=tailscaled.service

[Service]
Type=oneshot
ExecStart=/usr/local/lib/peer-relay/bootstrap health
TimeoutStartSec=10min
StandardOutput=journal+console
StandardError=journal+console
`;

/** A health look each minute, counted from the end of the one before. */
export const healthTimer = `[Unit]
Description=Tailscale peer relay: health, each minute

[Timer]
OnActiveSec=2min
OnUnitInactiveSec=1min
AccuracySec=10s

[Install]
WantedBy=timers.target
`;
