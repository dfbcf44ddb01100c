import assert from "node:assert/strict";
import { RevokeSecurityGroupIngressCommand } from "@aws-sdk/client-ec2";
import { setConfig, startWholeLab, type Stack, type WholeLab } from "../../lab";
import type { TailnetClient } from "../../lab/internet";
import { pathOf } from "../../scripts/lib/verdict";
import { destroy, ec2, ok, up } from "../engine/support";
import * as tailnet from "./tailnet";
import { Transfer } from "./transfer";

const { settles, staysOnDerp } = tailnet;

const POLICY = `{
  // everybody reaches everybody
  "grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}],
  "tagOwners": {
    "tag:srv": ["autogroup:admin"],
    "tag:other": ["autogroup:admin"],
    "tag:relay": ["autogroup:admin"], // for the relay that is only emitted
  },
}
`;

/** The article's reader: two devices that cannot reach each other directly. The tests build on each other. */
describe("The relay that pulumi up made", function () {
  this.timeout(300_000);
  this.bail(true);
  let lab: WholeLab;
  let stack: Stack;
  let a: TailnetClient;
  let b: TailnetClient;

  const change = async (config: Record<string, unknown>) => {
    setConfig(stack, config);
    await up(lab, stack);
  };
  const relay = () => tailnet.relayOf(lab, stack);

  before(async () => {
    lab = await startWholeLab({ policy: POLICY });
    [a, b] = await tailnet.twoClients(lab, { tags: ["tag:srv"] });
    stack = await tailnet.relayStack(lab, "prod-eu-central-1", {
      "peer-relay:tags": ["tag:relay"],
      "peer-relay:clients": ["tag:srv"],
      "peer-relay:policy": "emit",
    });
  });
  after(() => lab?.close());

  it("without a grant serves nobody: all goes by DERP, and verify names the grant", async () => {
    await settles(a, b, "derp");
    await up(lab, stack);
    await tailnet.serves(lab);
    await staysOnDerp(a, b, 8);
    assert.deepEqual(await tailnet.relaysOf(a), []);
    const { code, text } = await tailnet.verify(a, "client-b", 5);
    assert.match(text, /via DERP\(derp-\d\).*\ngrant: this device may use no relay/);
    assert.equal(code, 1);
  });

  it("with a grant for others serves others only", async () => {
    await change({ "peer-relay:policy": "merge", "peer-relay:clients": ["tag:other"] });
    assert.match(lab.tailscale.policy.text, /"src": \["tag:other"\], "dst": \["tag:relay"\]/);
    await staysOnDerp(a, b, 8);
    assert.deepEqual(await tailnet.relaysOf(a), []);
  });

  it("method 2: carries what went over DERP, its own metrics count it, and status and verify show it", async () => {
    await change({ "peer-relay:clients": ["tag:srv"], "peer-relay:ipAccess": ["*"] });
    const { endpoint, host, tailscaleIps } = await relay();
    const { pong } = await settles(a, b, "relay");
    assert.ok(pong.includes(` via peer-relay(${endpoint}:vni:`), pong);
    assert.deepEqual(await tailnet.relaysOf(a), [tailscaleIps[0]]);
    const before = await tailnet.forwardedBytes(host);
    const transfer = await Transfer.start(a, b, 2_000_000);
    const { intact } = await transfer.end();
    const counted = (await tailnet.forwardedBytes(host))["udp4 to udp4"]! - before["udp4 to udp4"]!;
    assert.ok(intact && counted > 2_000_000, `${counted} bytes counted, intact: ${intact}`);
    assert.match((await a.cli("status")).stdout, new RegExp(`client-b .*peer-relay ${endpoint}:vni:`));
    const { code, text } = await tailnet.verify(a, b.ip4, 40);
    assert.deepEqual([code, text.includes(`peer relay: ${pong.split(" in ")[0]}`)], [0, true], text);
  });

  it("goes on while the control server is down", async () => {
    const { host } = await relay();
    await lab.dataPlane.headscale.stop();
    try {
      const before = (await tailnet.forwardedBytes(host))["udp4 to udp4"]!;
      const transfer = await Transfer.start(b, a, 4_000_000);
      assert.equal((await transfer.end()).intact, true);
      assert.equal(pathOf(await tailnet.pingOnce(a, b.ip4)), "relay");
      const counted = (await tailnet.forwardedBytes(host))["udp4 to udp4"]! - before;
      assert.ok(counted > 4_000_000, `${counted} bytes counted`);
    } finally {
      await lab.dataPlane.headscale.start();
    }
  });

  for (const time of ["the first", "the second"]) {
    it(`is switched off by the kill switch, and on again, for ${time} time`, async () => {
      await change({ "peer-relay:enabled": false });
      await settles(a, b, "derp", { seconds: 30 });
      await change({ "peer-relay:enabled": true });
      await settles(a, b, "relay");
    });
  }

  it("is not reached while its security group lacks the port: verify names the firewall, refresh and up mend it", async () => {
    const { securityGroupId: GroupId, hostname } = await relay();
    const client = ec2(lab, "eu-central-1");
    const port = { IpProtocol: "udp", FromPort: 40000, ToPort: 40000 };
    for (const range of [{ IpRanges: [{ CidrIp: "0.0.0.0/0" }] }, { Ipv6Ranges: [{ CidrIpv6: "::/0" }] }]) {
      const IpPermissions = [{ ...port, ...range }];
      await client.send(new RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions }));
    }
    await settles(a, b, "derp", { seconds: 30 });
    const { code, text } = await tailnet.verify(a, "client-b", 35);
    assert.match(text, new RegExp(`via DERP\\(.*\nfirewall: ${hostname} .*security group`));
    assert.equal(code, 1);
    await ok(lab, stack, "refresh", "--yes", "--skip-preview");
    await up(lab, stack);
    await settles(a, b, "relay");
  });

  it("is gone after destroy, and the policy is as it was", async () => {
    await destroy(lab, stack);
    assert.equal(lab.tailscale.policy.text, POLICY);
    const left = (await lab.tailscale.devices()).map(({ hostname }) => hostname).sort();
    assert.deepEqual(left, ["client-a", "client-b"]);
    await settles(a, b, "derp", { seconds: 30 });
    assert.deepEqual(lab.instances.pollErrors, []);
  });
});
