import assert from "node:assert/strict";
import { makeStack, startWholeLab, type Stack, type WholeLab } from "../../lab";
import { destroy, up } from "../engine/support";

const POLICY = `{
  // everybody reaches everybody
  "grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}],
}
`;

/** The article's reader: two devices that cannot reach each other directly, before and after \`pulumi up\`. */
describe("The relay that pulumi up made", function () {
  this.timeout(300_000);
  this.bail(true);
  let lab: WholeLab;
  let stack: Stack;

  before(async () => {
    lab = await startWholeLab({ policy: POLICY });
    stack = await makeStack(lab.engine, "prod-eu-central-1", {
      ...lab.stackConfig,
      "peer-relay:relays": 1,
      "peer-relay:clients": ["autogroup:member"],
      "peer-relay:readyTimeoutSeconds": 120,
    });
  });
  after(() => lab?.close());

  it("carries what went over DERP before, and its own metrics count it", async () => {
    const [a, b] = await Promise.all([
      lab.dataPlane.join("client-a", "nat-a"),
      lab.dataPlane.join("client-b", "nat-b"),
    ]);
    assert.match((await a.ping(b.ip4, 3)).join("\n"), /via DERP\(derp-\d\)/);
    await up(lab, stack);
    const end = Date.now() + 90_000;
    let seen = "";
    while (!/via peer-relay\(203\.0\.113\.\d+:40000:vni:\d+\)/.test(seen) && Date.now() < end) {
      seen = (await a.ping(b.ip4, 1)).join("\n");
    }
    assert.match(seen, /via peer-relay\(203\.0\.113\.\d+:40000:vni:\d+\)/);
    console.log(seen);
  });

  it("is gone after destroy, and the policy as it was", async () => {
    await destroy(lab, stack);
    assert.equal(lab.tailscale.policy.text, POLICY);
    assert.equal((await lab.tailscale.devices()).filter((device) => device.tags).length, 0);
  });
});
