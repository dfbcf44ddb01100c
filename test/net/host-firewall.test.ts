import assert from "node:assert/strict";
import { startWholeLab, type Stack, type WholeLab } from "../../lab";
import type { BootedHost } from "../../lab/hosts";
import type { TailnetClient } from "../../lab/internet";
import { until } from "../../lab/internet/wait";
import { destroy, up } from "../engine/support";
import * as tailnet from "./tailnet";

const { settles } = tailnet;

/** How somebody turns a firewall on that closes all ports but those in use, and takes it away again. */
const FIREWALLS = {
  ufw: {
    on: "ufw --force enable",
    off: "ufw --force disable; ufw --force reset",
  },
  nftables: {
    on: `nft -f - <<'END'
table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iifname "lo" accept
  }
}
END`,
    off: "nft flush ruleset",
  },
  iptables: {
    on: "iptables -A INPUT -i lo -j ACCEPT; iptables -A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT; iptables -P INPUT DROP",
    off: "iptables -P INPUT ACCEPT; iptables -F INPUT",
  },
  firewalld: {
    on: "systemctl start dbus firewalld",
    off: "systemctl stop firewalld; nft flush ruleset",
  },
};

/** The tests build on one relay; each leaves it without a firewall. */
describe("A relay whose host has a firewall of its own", function () {
  this.timeout(240_000);
  let lab: WholeLab;
  let stack: Stack;
  let host: BootedHost;
  let a: TailnetClient;
  let b: TailnetClient;

  before(async () => {
    lab = await startWholeLab({ policy: tailnet.OPEN_POLICY });
    [a, b] = await tailnet.twoClients(lab);
    stack = await tailnet.relayStack(lab, "prod-eu-central-1", {
      "peer-relay:clients": ["autogroup:member"],
    });
    await up(lab, stack);
    ({ host } = await tailnet.relayOf(lab, stack));
    await settles(a, b, "relay");
  });
  after(async () => {
    await destroy(lab, stack);
    await lab.close();
  });

  /** Both clients from new ports: what the firewall takes for established does not count. */
  const newFlows = async () => {
    for (const client of [a, b]) {
      await client.stop();
      await client.start();
    }
    const isUp = async () => (await a.status()).BackendState === "Running";
    await until("client-a is up again", 30, isUp, () => a.lastWords());
  };

  for (const [name, { on, off }] of Object.entries(FIREWALLS)) {
    it(`${name}: is closed off by it, and opened by the next look of the bootstrap`, async () => {
      await host.must("systemctl stop peer-relay-health.timer");
      await host.must(on);
      try {
        await newFlows();
        await settles(a, b, "derp", { seconds: 30 });
        await tailnet.staysOnDerp(a, b, 6);
        await host.must("systemctl start peer-relay-health.service");
        assert.match(await host.journal(), new RegExp(`firewall: ${name}.*: opened UDP 40000`));
        await settles(a, b, "relay");
      } finally {
        await host.must(off);
      }
    });
  }
});
