import assert from "node:assert/strict";
import { startWholeLab, type Stack, type WholeLab } from "../../lab";
import { tunIsUsable, type TailnetClient } from "../../lab/internet";
import { destroy, up } from "../engine/support";
import * as tailnet from "./tailnet";
import { Transfer } from "./transfer";

const { settles } = tailnet;

const REGIONS = ["eu-central-1", "us-east-1"];
/** More than what measuring a latency here is off by. */
const FAR_MS = 80;

/** Relays of two regions' stacks, for the same clients. The tests build on each other. */
describe("Two relays in two regions", function () {
  this.timeout(300_000);
  this.bail(true);
  let lab: WholeLab;
  let stacks: Stack[];
  let relays: Awaited<ReturnType<typeof tailnet.relayOf>>[];
  let a: TailnetClient;
  let b: TailnetClient;

  before(async () => {
    lab = await startWholeLab({ policy: tailnet.OPEN_POLICY });
    [a, b] = await tailnet.twoClients(lab);
  });
  after(() => lab?.close());

  it("come up at the same time, and one of them carries", async () => {
    const config = { "peer-relay:clients": ["autogroup:member"] };
    stacks = [];
    for (const region of REGIONS) stacks.push(await tailnet.relayStack(lab, `prod-${region}`, config));
    await Promise.all(stacks.map((stack) => up(lab, stack)));
    relays = await Promise.all(stacks.map((stack) => tailnet.relayOf(lab, stack)));
    const granted = relays.map(({ tailscaleIps }) => tailscaleIps[0]).sort();
    await settles(a, b, "relay");
    assert.deepEqual((await tailnet.relaysOf(a)).sort(), granted);
  });

  it("stand in for each other: one dies under a transfer, the other takes over, and no byte is lost", async () => {
    const { pong } = await settles(a, b, "relay");
    const used = relays.find(({ publicIp }) => pong.includes(publicIp))!;
    const other = relays.find((relay) => relay !== used)!;
    const transfer = await Transfer.start(a, b, 40_000_000);
    await transfer.reaches(8_000_000);
    await used.host.kill();
    const { seconds } = await settles(a, b, "relay", { via: other.publicIp });
    const { intact, longestGap } = await transfer.end();
    console.log(`      on the other relay after ${seconds.toFixed(1)} s, longest silence ${longestGap} s`);
    assert.equal(intact, true);
    await used.host.start();
    await used.host.booted();
  });

  it("are preferred by distance: the nearer one, whichever that is", async function () {
    if (!tunIsUsable()) this.skip();
    for (const [near, far] of [relays, [...relays].reverse()]) {
      await lab.dataPlane.internet.delay(`vpc-${near!.instanceId}`, 0);
      await lab.dataPlane.internet.delay(`vpc-${far!.instanceId}`, FAR_MS);
      // It looks for a better path once a minute only.
      await settles(a, b, "relay", { via: near!.publicIp, seconds: 150 });
    }
    for (const { instanceId } of relays) await lab.dataPlane.internet.delay(`vpc-${instanceId}`, 0);
  });

  it("go one after the other, and leave the policy as it was", async () => {
    await destroy(lab, stacks[0]!);
    await settles(a, b, "relay", { via: relays[1]!.publicIp });
    await destroy(lab, stacks[1]!);
    await settles(a, b, "derp", { seconds: 30 });
    assert.equal(lab.tailscale.policy.text, tailnet.OPEN_POLICY);
    assert.deepEqual(lab.instances.pollErrors, []);
  });
});
