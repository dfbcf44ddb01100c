import assert from "node:assert/strict";
import { startWholeLab, type Stack, type WholeLab } from "../../lab";
import type { TailnetClient } from "../../lab/internet";
import { until } from "../../lab/internet/wait";
import { destroy, up } from "../engine/support";
import * as tailnet from "./tailnet";
import { Transfer } from "./transfer";

const { settles } = tailnet;

/** Nobody may reach anybody, but for what the article's method 1 adds. */
const POLICY = '{\n  "grants": [\n  ],\n}\n';

/** The article's method 1, on a relay with both address families whose first boot has no network. */
describe("An untagged relay with IPv6", function () {
  this.timeout(300_000);
  this.bail(true);
  let lab: WholeLab;
  let stack: Stack;
  let a: TailnetClient;
  let b: TailnetClient;
  let six: TailnetClient;

  before(async () => {
    lab = await startWholeLab({ policy: POLICY });
    const { dataPlane } = lab;
    [a, b, six] = await Promise.all([
      dataPlane.join("client-a", "nat-a"),
      dataPlane.join("client-b", "nat-b"),
      dataPlane.join("client-6", "firewall-6"),
    ]);
    stack = await tailnet.relayStack(lab, "prod-ap-northeast-1", {
      "peer-relay:tags": [],
      "peer-relay:clients": ["*"],
      "peer-relay:ipAccess": ["*"],
      "peer-relay:ipAccessTo": ["*"],
      "peer-relay:ipv6": true,
      "peer-relay:network": "create",
    });
  });
  after(() => lab?.close());

  /** The instance, as soon as there is one, before it has got to its bootstrap. */
  const firstInstance = async (): Promise<string> => {
    const { instances } = lab;
    await until(
      "an instance is there",
      60,
      () => instances.status().length > 0,
      () => instances.pollErrors.join("\n"),
    );
    return instances.status()[0]!.instanceId;
  };

  it("whose first boot has no network comes up when the network does", async () => {
    const done = up(lab, stack);
    const id = await firstInstance();
    await lab.dataPlane.internet.cut(`vpc-${id}`);
    const lines = () => lab.instances.consoleOutput(id).filter((line) => line.includes("peer-relay: "));
    const failed = () => lines().some((line) => /peer-relay: error: /.test(line));
    await until("the bootstrap says that it cannot", 120, failed, () => lines().join("\n"));
    await lab.dataPlane.internet.mend(`vpc-${id}`);
    await done;
    assert.match(lines().join("\n"), /error: .*install[^]*ready: /);
  });

  it("method 1: carries for everybody, who may also reach each other, by the grant to its Tailscale IP", async () => {
    const { host, tailscaleIps, endpoint } = await tailnet.relayOf(lab, stack);
    const written = lab.tailscale.policy.text;
    assert.ok(
      written.includes(
        `{"src": ["*"], "dst": ["${tailscaleIps[0]}"], "app": {"tailscale.com/cap/relay": []}}`,
      ),
      written,
    );
    assert.ok(written.includes('{"src": ["*"], "dst": ["*"], "ip": ["*"]}'), written);
    const { pong } = await settles(a, b, "relay");
    assert.ok(pong.includes(`peer-relay(${endpoint}:vni:`), pong);
    assert.equal((await (await Transfer.start(a, b, 1_000_000)).end()).intact, true);
    assert.ok((await tailnet.forwardedBytes(host))["udp4 to udp4"]! > 1_000_000);
  });

  it("takes a client with IPv6 only to one with IPv4 only", async () => {
    const { host } = await tailnet.relayOf(lab, stack);
    const { pong } = await settles(six, a, "relay");
    assert.match(pong, /via peer-relay\(\[2001:db8:[0-9a-f:]+\]:40000:vni:\d+\)/);
    const before = await tailnet.forwardedBytes(host);
    assert.equal((await (await Transfer.start(a, six, 1_000_000)).end()).intact, true);
    const after = await tailnet.forwardedBytes(host);
    const counted = after["udp4 to udp6"]! - (before["udp4 to udp6"] ?? 0);
    assert.ok(counted > 1_000_000, `${counted} bytes counted`);
  });

  it("is gone after destroy, and the policy is as it was", async () => {
    await destroy(lab, stack);
    assert.equal(lab.tailscale.policy.text, POLICY);
    assert.equal((await lab.tailscale.devices()).length, 3);
    assert.deepEqual(lab.instances.pollErrors, []);
  });
});
