import assert from "node:assert/strict";
import { Lab, makeStack, Stack, startLab } from "../../lab";
import { leftovers } from "../../lab/aws";
import { corpusPolicy, destroy, ok, up } from "./support";

const POLICY = corpusPolicy("069-rajsinghtech.hujson");

describe("Two regions' stacks on one policy file", function () {
  this.timeout(180_000);
  this.bail(true);
  let lab: Lab;
  let stacks: Stack[];

  before(async () => {
    lab = await startLab({ policy: POLICY });
    const config = {
      "peer-relay:clients": ["autogroup:member"],
      "peer-relay:ssmEndpoint": lab.aws.endpoint,
      "peer-relay:readyTimeoutSeconds": 60,
    };
    stacks = [];
    for (const name of ["prod-us-east-1", "prod-ap-northeast-1"]) {
      stacks.push(await makeStack(lab.engine, name, config));
    }
  });
  after(() => lab?.close());

  it("come up at the same time, two relays each in two zones, and keep each other's rules", async () => {
    await Promise.all(stacks.map((stack) => up(lab, stack)));
    const markers = lab.tailscale.policy.text.match(/\/\/ peer-relay: \S+ grant/g) ?? [];
    assert.deepEqual(markers.sort(), [
      "// peer-relay: peer-relay/prod-ap-northeast-1/relay-1 grant",
      "// peer-relay: peer-relay/prod-ap-northeast-1/relay-2 grant",
      "// peer-relay: peer-relay/prod-us-east-1/relay-1 grant",
      "// peer-relay: peer-relay/prod-us-east-1/relay-2 grant",
    ]);
    assert.equal((await lab.tailscale.devices()).filter((device) => device.connectedToControl).length, 4);
  });

  it("are warned that the tailnet has more relays than the free plan, and which", async () => {
    const [first] = stacks as [Stack, Stack];
    const { output } = await ok(lab, first, "preview");
    assert.match(
      output,
      /4 relays in one tailnet \(2 here, and peer-relay\/prod-ap-northeast-1\/relay-\d, peer-relay\/prod-ap-northeast-1\/relay-\d\): the free plan may allow 2 only/,
    );
  });

  it("a human's edit in between stays when the first stack goes, and so does the other's part", async () => {
    const comment = "\n// a human was here\n";
    await lab.tailscale.humanEdit((text) => text + comment);
    const [first, second] = stacks as [Stack, Stack];
    await destroy(lab, first);
    assert.equal(lab.tailscale.policy.text.includes(first.name), false);
    assert.equal(lab.tailscale.policy.text.split(`${second.name}/relay-`).length > 2, true);
    assert.ok(lab.tailscale.policy.text.endsWith(comment));
    await destroy(lab, second);
    assert.equal(lab.tailscale.policy.text, POLICY + comment);
  });

  it("nothing is left in either region, and no write was ever unconditional", async () => {
    assert.deepEqual(
      [
        await leftovers(lab.aws, "us-east-1"),
        await leftovers(lab.aws, "ap-northeast-1"),
        await lab.tailscale.devices(),
      ],
      [[], [], []],
    );
    const blind = lab.tailscale.requests.filter(
      (r) => r.method === "POST" && /\/acl$/.test(r.path) && !r.ifMatch,
    );
    assert.deepEqual(blind, []);
  });
});
