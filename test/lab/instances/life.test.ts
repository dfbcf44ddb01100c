import assert from "node:assert/strict";
import { allow, withWorld, type World } from "./fake-cloud";

const id = "i-0123456789abcdef0";
const devices = async ({ lab }: World) =>
  (await lab.devices()).map((d) => [d.name.split(".")[0], d.connectedToControl]);
const state = ({ instances }: World) => instances.status()[0]!.state;

describe("a simulated instance: its life", () => {
  it(
    "joins once what it lacked has come, trying less and less often",
    withWorld(
      (cloud) => (cloud.eips = []),
      async (world) => {
        const tries: number[] = [];
        world.cloud.elasticIps = async () => (tries.push(tries.length), world.cloud.eips);
        for (let quarter = 0; quarter < 40; quarter++) await world.advance(250);
        // In 10 s, the first try being over: waits of 0.5, 1, 2, 2, 2, 2 s.
        assert.deepEqual([tries.length, world.instances.consoleOutput(id).length], [6, 1]);
        world.cloud.eips = ["203.0.113.30"];
        await world.advance(2000);
        assert.deepEqual(await devices(world), [["relay-203-0-113-30", true]]);
      },
    ),
  );

  it(
    "goes off line with its instance and keeps its device, which is not deleted",
    withWorld(
      () => {},
      async (world) => {
        world.cloud.listed = [{ ...world.cloud.machine, state: "terminated" }];
        await world.advance(1000);
        assert.deepEqual([await devices(world), state(world)], [[["relay-203-0-113-30", false]], "off"]);
        assert.equal((await world.lab.devices())[0]?.lastSeen, "2026-01-01T00:00:01Z");
      },
    ),
  );

  it(
    "goes off line when the cloud no longer lists it, and an ephemeral device goes altogether",
    withWorld(
      () => {},
      async (world) => {
        await world.newKey(true);
        world.cloud.listed = [{ ...world.cloud.machine, id: "i-ephemeral" }, world.cloud.machine];
        await world.advance(1000);
        const before = await devices(world);
        world.cloud.listed = [];
        await world.advance(1000);
        assert.deepEqual(
          [before, await devices(world)],
          [
            [
              ["relay-203-0-113-30", true],
              ["relay-203-0-113-30-1", true],
            ],
            [["relay-203-0-113-30", false]],
          ],
        );
      },
    ),
  );

  it(
    "is the same device after a stop and a start",
    withWorld(
      () => {},
      async (world) => {
        const before = (await world.lab.devices())[0]!.nodeId;
        world.cloud.listed = [{ ...world.cloud.machine, state: "stopped" }];
        await world.advance(1000);
        const stopped = await devices(world);
        world.cloud.listed = [world.cloud.machine];
        await world.advance(1000);
        assert.deepEqual(
          [stopped, await devices(world), (await world.lab.devices())[0]!.nodeId === before, state(world)],
          [[["relay-203-0-113-30", false]], [["relay-203-0-113-30", true]], true, "online"],
        );
      },
    ),
  );

  it(
    "joins again when its device was deleted, with the key that the parameter holds by then",
    withWorld(
      () => {},
      async (world) => {
        await world.lab.deleteDevice((await world.lab.devices())[0]!.nodeId);
        await world.advance(1000);
        const withOldKey = [await devices(world), world.instances.status()[0]!.problem];
        const used = (await world.lab.keys())[0]!.id;
        await world.advance(10_000);
        const rested = world.instances.status()[0]!.problem;
        await world.newKey();
        await world.advance(10_000);
        assert.deepEqual(
          [withOldKey, rested, await devices(world), world.instances.status()[0]!.joins],
          [
            [[], `tailscale up: invalid key: API key ${used} not valid`],
            "auth: this key was refused, waiting for another one",
            [["relay-203-0-113-30", true]],
            2,
          ],
        );
      },
    ),
  );

  it(
    "takes its time to join again, as the health timer does: a VM that is being replaced is gone by then",
    withWorld(
      () => {},
      async (world) => {
        await world.newKey();
        await world.lab.deleteDevice((await world.lab.devices())[0]!.nodeId);
        await world.advance(1000);
        await world.advance(9_000);
        const early = await devices(world);
        await world.advance(2_000);
        assert.deepEqual([early, await devices(world)], [[], [["relay-203-0-113-30", true]]]);
      },
      10_000,
    ),
  );

  it(
    "offers a refused key again after ten minutes: a human may have put the policy right",
    withWorld(
      () => {},
      async (world) => {
        await world.newKey();
        await world.lab.deleteDevice((await world.lab.devices())[0]!.nodeId);
        const text = world.lab.policy.text;
        await world.lab.humanEdit((t) => t.replace(/.*"tag:relay".*\n/, ""));
        await world.advance(1000);
        await world.lab.humanEdit(() => text);
        await world.advance(60_000);
        const early = await devices(world);
        await world.advance(600_000);
        assert.deepEqual([early, await devices(world)], [[], [["relay-203-0-113-30", true]]]);
      },
    ),
  );

  it(
    "never comes on line while the fault says so, and does when it is lifted",
    withWorld(
      (cloud) => (cloud.eips = []),
      async (world) => {
        world.instances.faults.neverBoots = ({ hostname }) => hostname === "relay-203-0-113-30";
        world.cloud.eips = ["203.0.113.30"];
        await world.advance(60_000);
        const stuck = [await devices(world), state(world)];
        world.instances.faults.neverBoots = false;
        await world.advance(1000);
        assert.deepEqual([stuck, await devices(world)], [[[], "failing"], [["relay-203-0-113-30", true]]]);
      },
    ),
  );

  it(
    "leaves no secret on its console, whatever happens to it",
    withWorld(
      () => {},
      async (world) => {
        const secrets = [world.cloud.parameters["/peer-relay/relay"]!];
        await world.lab.deleteDevice((await world.lab.devices())[0]!.nodeId);
        await world.advance(1000);
        secrets.push(world.lab.addOAuthClient({ scopes: ["devices:core"], tags: ["tag:ci"] }).clientSecret);
        world.cloud.parameters["/peer-relay/relay"] = secrets[1]!;
        await world.advance(10_000);
        world.cloud.instanceRole!.policies = [allow("ssm:GetParameter", "*:other")];
        await world.advance(10_000);
        const log = world.instances.consoleOutput(id).join("\n");
        assert.equal(
          secrets.some((s) => log.includes(s.slice(-32))),
          false,
        );
        assert.equal(log.split("\n").length, 6);
      },
    ),
  );

  it(
    "keeps polling when the cloud fails for once, and keeps the error",
    withWorld(
      (cloud) => (cloud.eips = []),
      async (world) => {
        const { instances } = world.cloud;
        world.cloud.instances = () => Promise.reject(new Error("503"));
        await world.advance(1000);
        Object.assign(world.cloud, { instances, eips: ["203.0.113.30"] });
        await world.advance(1000);
        assert.deepEqual(
          [world.instances.pollErrors, await devices(world)],
          [["eu-central-1: Error: 503"], [["relay-203-0-113-30", true]]],
        );
      },
    ),
  );
});
