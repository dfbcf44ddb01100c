import assert from "node:assert/strict";
import { parse } from "jsonc-parser";
import { addFragment, relayPolicyFragment } from "../../../components";
import { startTailscale, type TailscaleLab } from "../../../lab/tailscale";
import { call, keyRequest, relayPolicy } from "../tailscale/api";
import { startNode, until } from "./node";
import { startWorld, type World } from "./world";

describe("the Tailscale API in front of a real headscale", () => {
  let world: World;
  let lab: TailscaleLab;

  before(async () => {
    world = await startWorld(["admin@example.com", "bob@example.com"]);
  });
  after(() => world.close());
  beforeEach(async () => {
    lab = await startTailscale({ policy: relayPolicy, control: world.headscale.control });
  });
  afterEach(() => lab.close());

  const inForce = async () =>
    JSON.parse((await world.headscale.api.policy()) ?? "null") as Record<string, unknown>;

  it("puts the policy that it starts with in force", async () => {
    assert.deepEqual(await inForce(), {
      tagOwners: { "tag:ci": ["admin@example.com"], "tag:relay": ["tag:ci"], "tag:other": [] },
      grants: [{ src: ["*"], dst: ["*"], ip: ["*"] }],
    });
  });
});
