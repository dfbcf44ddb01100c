import assert from "node:assert/strict";
import { startWholeLab, type Stack, type WholeLab } from "../../lab";
import type { TailnetClient } from "../../lab/internet";
import { until } from "../../lab/internet/wait";
import { pathOf } from "../../scripts/lib/verdict";
import { destroy, up } from "../engine/support";
import * as tailnet from "./tailnet";
import { Transfer } from "./transfer";

const { settles } = tailnet;

/** What happens to machines, and nobody is there to help. The tests build on each other. */
describe("A relay that breaks", function () {
  this.timeout(300_000);
  this.bail(true);
  let lab: WholeLab;
  let stack: Stack;
  let a: TailnetClient;
  let b: TailnetClient;

  const relay = () => tailnet.relayOf(lab, stack);

  before(async () => {
    lab = await startWholeLab({ policy: tailnet.OPEN_POLICY });
    [a, b] = await tailnet.twoClients(lab);
    stack = await tailnet.relayStack(lab, "prod-eu-central-1", {
      "peer-relay:clients": ["autogroup:member"],
    });
    await up(lab, stack);
    await settles(a, b, "relay");
  });
  after(() => lab?.close());

  it("comes back after a reboot of its VM", async () => {
    const { host } = await relay();
    await host.reboot();
    await settles(a, b, "relay");
  });

  it("comes back after its tailscaled was killed", async () => {
    const { host } = await relay();
    const pid = () => host.must("systemctl show -P MainPID tailscaled");
    const before = await pid();
    await host.must("systemctl kill -s KILL tailscaled");
    const restarted = async () => !["0", before].includes(await pid());
    await until("systemd has started another tailscaled", 30, restarted, () => before);
    await tailnet.serves(lab);
    await settles(a, b, "relay");
    // Its counters began at nothing.
    assert.equal((await (await Transfer.start(a, b, 1_000_000)).end()).intact, true);
    const counted = (await tailnet.forwardedBytes(host))["udp4 to udp4"]!;
    assert.ok(counted > 1_000_000, `${counted} bytes counted`);
  });

  it("comes back by its health timer after its tailscaled was stopped for good", async () => {
    const { host } = await relay();
    // The real timer, made faster: it looks each minute, and acts at the second look.
    await host.must(`mkdir -p /run/systemd/system/peer-relay-health.timer.d
      printf '[Timer]\\nOnUnitInactiveSec=\\nOnUnitInactiveSec=5s\\nAccuracySec=1s\\n' >/run/systemd/system/peer-relay-health.timer.d/fast.conf
      systemctl daemon-reload; systemctl restart peer-relay-health.timer
      systemctl start peer-relay-health.service; systemctl stop tailscaled`);
    await settles(a, b, "derp", { seconds: 30 });
    await settles(a, b, "relay");
    assert.match(await host.journal(200), /health: not ready \(2\)[^]*health: repaired/);
    await host.must("rm -r /run/systemd/system/peer-relay-health.timer.d; systemctl daemon-reload");
  });

  it("lets a TCP transfer end over DERP when its VM dies, byte for byte, and takes over again when it is back", async () => {
    const { host } = await relay();
    const transfer = await Transfer.start(a, b, 30_000_000);
    await transfer.reaches(8_000_000);
    assert.equal(pathOf(await tailnet.pingOnce(a, b.ip4)), "relay");
    await host.kill();
    const { intact, longestGap } = await transfer.end();
    assert.equal(intact, true);
    assert.equal(pathOf(await tailnet.pingOnce(a, b.ip4)), "derp");
    console.log(`      longest silence: ${longestGap} s`);
    await host.start();
    await host.booted();
    await settles(a, b, "relay");
  });

  it("can be destroyed afterwards", async () => {
    await destroy(lab, stack);
    assert.equal(lab.tailscale.policy.text, tailnet.OPEN_POLICY);
    assert.deepEqual(lab.instances.pollErrors, []);
  });
});
