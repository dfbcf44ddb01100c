import assert from "node:assert/strict";
import { addFragment, relayPolicyFragment, removeFragment } from "../../../components";
import { RegistrationError, startTailscale, type Device, type TailscaleLab } from "../../../lab/tailscale";
import { bearer, call, keyRequest, relayPolicy } from "../tailscale/api";
import { startNode, until, type Node } from "./node";
import { startWorld, type World } from "./world";

describe("the Tailscale API in front of a real headscale", () => {
  let world: World;
  let lab: TailscaleLab;
  let nodes = 0;

  before(async () => {
    world = await startWorld(["admin@example.com", "bob@example.com"]);
  });
  after(() => world.close());
  beforeEach(async () => {
    lab = await startTailscale({ policy: relayPolicy, control: world.headscale.control });
  });
  afterEach(async () => {
    for (const device of await lab.devices()) await lab.deleteDevice(device.nodeId);
    await lab.close();
  });

  const inForce = async () =>
    JSON.parse((await world.headscale.api.policy()) ?? "null") as Record<string, unknown>;
  const write = (text: string, headers = {}) => call(lab, "POST", "/tailnet/-/acl", { text, headers });
  const newNode = () => startNode(world, `node-${++nodes}`);

  /** A key by the API, as a stack asks for it. */
  async function newKey(
    create: Parameters<typeof keyRequest>[0],
    auth?: string,
  ): Promise<{ id: string; key: string }> {
    const reply = await call(lab, "POST", "/tailnet/-/keys", { json: keyRequest(create), auth });
    assert.equal(reply.status, 200, JSON.stringify(reply.body));
    return reply.body as { id: string; key: string };
  }

  const invalid = async (id: string) =>
    ((await call(lab, "GET", `/tailnet/-/keys/${id}`)).body as { invalid?: boolean }).invalid ?? false;

  /** Joins a new node and waits until headscale shows it connected. */
  async function join(create: Parameters<typeof keyRequest>[0]): Promise<{ node: Node; device: Device }> {
    const node = newNode();
    assert.deepEqual(await node.up((await newKey(create)).key), { code: 0, output: "" });
    const hostname = `node-${nodes}`;
    const find = async () => (await lab.devices()).find((d) => d.hostname === hostname);
    await until(`${hostname} is connected`, async () => (await find())?.connectedToControl === true, find);
    return { node, device: (await find())! };
  }

  describe("policy", () => {
    it("is in force from the start", async () => {
      assert.deepEqual(await inForce(), {
        tagOwners: { "tag:ci": ["admin@example.com"], "tag:relay": ["tag:ci"], "tag:other": [] },
        grants: [{ src: ["*"], dst: ["*"], ip: ["*"] }],
      });
    });

    it("is in force with a relay's grants, unchanged in all their forms, and the API's bytes are those written", async () => {
      const relays = [["tag:relay"], ["100.64.0.1", "fd7a:115c:a1e0::1"], ["tag:relay", "tag:other"]];
      const clients = [["*"], ["tag:ci", "autogroup:member"], ["bob@example.com", "100.64.0.9"]];
      const fragments = relays.map((relay, i) =>
        relayPolicyFragment({
          ...{ owner: `lab/front/relay-${i}`, clients: clients[i]!, relay },
          ...(i === 1 ? { ipAccess: ["*"], ipAccessTo: ["*"] } : {}),
        }),
      );
      const byHand = `\t\t{"src": ["*"], "dst": ["tag:relay"], "app": {"tailscale.com/cap/relay": [{}]}},\n`;
      const start = relayPolicy.replace('"grants": [', `"grants": [\n${byHand}`);
      const merged = fragments.reduce((text, fragment) => addFragment(text, fragment), start);
      const reply = await write(merged, { "If-Match": lab.policy.etag });
      const app = { "tailscale.com/cap/relay": [{}] };
      const { grants } = await inForce();
      const wanted = [
        ...fragments.flatMap((f) => f.grants),
        { src: ["*"], dst: ["tag:relay"], app },
        { src: ["*"], dst: ["*"], ip: ["*"] },
      ];
      const sorted = (list: unknown) => (list as unknown[]).map((g) => JSON.stringify(g)).sort();
      assert.deepEqual(
        [reply.status, reply.body, sorted(grants), lab.policy.blindWrites],
        [200, merged, sorted(wanted), 0],
      );
      const back = fragments.reduce((text, fragment) => removeFragment(text, fragment), merged);
      await write(back, { "If-Match": lab.policy.etag });
      assert.deepEqual([back, ((await inForce()).grants as unknown[]).length], [start, 2]);
    });

    it("is refused in headscale's words, and then nothing is stored on either side", async () => {
      const bogus = '{"acls": [{"action": "accept", "proto": "bogus", "src": ["*"], "dst": ["*:*"]}]}';
      const before = [lab.policy.text, await inForce()];
      const replies = [
        await write(bogus),
        await call(lab, "POST", "/tailnet/-/acl/validate", { text: bogus }),
      ];
      const words = /headscale: .*invalid protocol number: "bogus"/;
      assert.deepEqual(
        replies.map(({ status, body }) => [status, words.test((body as { message: string }).message)]),
        [
          [400, true],
          [200, true],
        ],
      );
      await assert.rejects(
        lab.humanEdit(() => bogus),
        words,
      );
      assert.deepEqual([lab.policy.text, await inForce()], before);
    });

    it("gives way to the first of several writes over the same version; the others learn of it", async () => {
      const etag = lab.policy.etag;
      const replies = await Promise.all(
        [1, 2, 3, 4].map((n) => write(`${relayPolicy}// ${n}\n`, { "If-Match": etag })),
      );
      assert.deepEqual(replies.map((r) => r.status).sort(), [200, 412, 412, 412]);
      assert.equal(replies.find((r) => r.status === 200)?.body, lab.policy.text);
    });

    it("changes when a human edits it", async () => {
      await lab.humanEdit((text) => text.replace('"ip": ["*"]', '"ip": ["tcp:22"]'));
      assert.deepEqual((await inForce()).grants, [{ src: ["*"], dst: ["*"], ip: ["tcp:22"] }]);
    });
  });

  describe("keys and devices", () => {
    it("are headscale's own: a stack's tagged key lets one tailscaled in, once", async () => {
      const client = lab.addOAuthClient({ scopes: ["auth_keys", "devices:core"], tags: ["tag:ci"] });
      const auth = await bearer(lab, client);
      const made = await newKey({ tags: ["tag:relay"], preauthorized: true }, auth);
      const [node, late] = [newNode(), newNode()];
      const hostname = `node-${nodes - 1}`;
      const unused = await invalid(made.id);
      const [joined, refused] = [await node.up(made.key), await late.up(made.key)];
      assert.match(made.key, /^hskey-auth-/);
      assert.deepEqual([unused, joined, await invalid(made.id)], [false, { code: 0, output: "" }, true]);
      assert.equal((await lab.keys())[0]?.uses, 1);
      assert.notEqual(refused.code, 0);
      assert.match(refused.output, /authkey already used/);
      const list = async () =>
        ((await call(lab, "GET", "/tailnet/-/devices?fields=all", { auth })).body as { devices: Device[] })
          .devices;
      await until(
        "the device is connected",
        async () => (await list())[0]?.connectedToControl === true,
        list,
      );
      const [device, ...others] = await list();
      const { name, user, tags, authorized, keyExpiryDisabled, expires, isEphemeral, lastSeen } = device!;
      assert.deepEqual(
        {
          others,
          hostname: device?.hostname,
          name,
          user,
          tags,
          authorized,
          keyExpiryDisabled,
          expires,
          isEphemeral,
          lastSeen,
        },
        {
          ...{ others: [], hostname, name: `${hostname}.tail1ab2.ts.net`, user: "tagged-devices" },
          ...{ tags: ["tag:relay"], authorized: true, keyExpiryDisabled: true },
          ...{ expires: "0001-01-01T00:00:00Z", isEphemeral: false, lastSeen: undefined },
        },
      );
      assert.deepEqual(
        (await node.cli("ip")).output.trim().split("\n"),
        device!.addresses,
        "the addresses are those that the node itself knows",
      );
    });

    it("are refused by our own rules before headscale hears of them", async () => {
      const client = lab.addOAuthClient({ scopes: ["auth_keys"], tags: ["tag:ci"] });
      const before = (await world.headscale.api.keys()).length;
      const reply = await call(lab, "POST", "/tailnet/-/keys", {
        json: keyRequest({ tags: ["tag:other"] }),
        auth: await bearer(lab, client),
      });
      const message = "requested tags [tag:other] are invalid or not permitted";
      assert.deepEqual(
        [reply.status, reply.body, (await world.headscale.api.keys()).length],
        [400, { message }, before],
      );
      assert.throws(() => lab.register({ hostname: "x", authKey: "hskey-auth-EXAMPLE" }), RegistrationError);
    });

    it("a deleted key lets nobody in", async () => {
      const { id, key } = await newKey({ tags: ["tag:relay"] });
      const reply = await call(lab, "DELETE", `/tailnet/-/keys/${id}`);
      const refused = await newNode().up(key);
      assert.deepEqual([reply.status, await invalid(id), refused.code !== 0], [200, true, true]);
      assert.match(refused.output, /authkey expired/);
    });

    it("an untagged device belongs to who made the key, and its key expires until that is turned off", async () => {
      const { device } = await join({});
      const path = `/device/${device.nodeId}`;
      const reply = await call(lab, "POST", `${path}/key`, { json: { keyExpiryDisabled: true } });
      const after = (await call(lab, "GET", path)).body as Device;
      const days = (Date.parse(device.expires) - Date.parse(device.created)) / 86_400_000;
      assert.deepEqual(
        [
          device.user,
          device.tags,
          device.keyExpiryDisabled,
          Math.round(days),
          reply.status,
          after.keyExpiryDisabled,
        ],
        ["admin@example.com", undefined, false, 180, 200, true],
      );
      await call(lab, "POST", `${path}/key`, { json: { keyExpiryDisabled: false } });
      assert.equal(((await call(lab, "GET", path)).body as Device).keyExpiryDisabled, false);
    });

    it("a device takes a new name and tags, and is not there for other ids", async () => {
      const { device } = await join({ tags: ["tag:relay"] });
      const path = `/device/${device.id}`;
      const statuses = [
        await call(lab, "POST", `${path}/name`, { json: { name: "renamed" } }),
        await call(lab, "POST", `${path}/tags`, { json: { tags: ["tag:ci", "tag:relay"] } }),
        await call(lab, "POST", `${path}/tags`, { json: { tags: ["tag:nowhere"] } }),
        await call(lab, "POST", `${path}/authorized`, { json: { authorized: true } }),
        await call(lab, "POST", `${path}/authorized`, { json: { authorized: false } }),
        await call(lab, "GET", "/device/n999CNTRL"),
        await call(lab, "DELETE", "/device/n999CNTRL"),
      ].map((reply) => reply.status);
      const after = (await call(lab, "GET", path)).body as Device;
      assert.deepEqual(
        [statuses, after.name, after.hostname, after.tags],
        [
          [200, 200, 400, 200, 400, 404, 404],
          "renamed.tail1ab2.ts.net",
          device.hostname,
          ["tag:ci", "tag:relay"],
        ],
      );
    });

    it("a device that goes away is shown so; one that is deleted is out, knows it, and can join again", async () => {
      const gone = await join({ tags: ["tag:relay"] });
      await gone.node.stop();
      const find = async () => (await lab.devices()).find((d) => d.nodeId === gone.device.nodeId);
      await until("it is offline", async () => (await find())?.connectedToControl === false, find);
      assert.notEqual((await find())?.lastSeen, undefined);
      const { node, device } = await join({ tags: ["tag:relay"] });
      await call(lab, "DELETE", `/device/${device.nodeId}`);
      assert.deepEqual(
        (await world.headscale.api.nodes()).map((n) => n.id),
        [gone.device.id],
      );
      const state = async () =>
        (JSON.parse((await node.cli("status", "--json")).output) as { BackendState: string }).BackendState;
      await until("tailscaled sees that it is out", async () => (await state()) === "NeedsLogin", state);
      const again = await node.up((await newKey({ tags: ["tag:relay"] })).key);
      const ids = (await lab.devices()).map((d) => d.nodeId);
      assert.deepEqual([again.code, ids.length, ids.includes(device.nodeId)], [0, 2, false], again.output);
    });
  });

  it("a relay's grant reaches the clients' netmap, by tag and by address, and leaves it with the fragment", async () => {
    // headscale shows everybody to everybody while the policy has no rule at all.
    const rule = '{"src": ["100.64.99.1"], "dst": ["100.64.99.2"], "ip": ["*"]}';
    await write(relayPolicy.replace(/\t"grants".*\n/, `\t"grants": [${rule}],\n`));
    const [client, relay] = [await join({ tags: ["tag:ci"] }), await join({ tags: ["tag:relay"] })];
    const before = await client.node.peers();
    const closed = lab.policy.text;
    const [address = ""] = relay.device.addresses;
    const seen: string[][] = [];
    for (const dst of ["tag:relay", address]) {
      const fragment = relayPolicyFragment({ owner: "lab/front/relay", clients: ["tag:ci"], relay: [dst] });
      await write(addFragment(closed, fragment));
      await until(
        "the client sees the relay",
        async () => (await client.node.peers()).length > 0,
        client.node.peers,
      );
      await until(
        "the relay is a relay",
        async () => (await client.node.relays()).length > 0,
        client.node.relays,
      );
      seen.push(await client.node.peers(), await client.node.relays());
      await write(closed);
      await until(
        "it is gone again",
        async () => (await client.node.relays()).length === 0,
        client.node.relays,
      );
    }
    const once = [[relay.device.hostname], [address]];
    assert.deepEqual([before, seen], [[], [...once, ...once]]);
  });

  it("a control server that is down is a 502; clients keep what they know; it comes back with all of it", async () => {
    const { node, device } = await join({ tags: ["tag:relay"] });
    await world.headscale.stop();
    const down = await call(lab, "GET", "/tailnet/-/devices");
    const [denied, known] = [await write(`${relayPolicy}// later\n`), await node.cli("ip", "-4")];
    await world.headscale.start();
    const find = async () => (await lab.devices()).find((d) => d.nodeId === device.nodeId);
    await until("the node is connected again", async () => (await find())?.connectedToControl === true, find);
    assert.match((down.body as { message: string }).message, /^no answer from headscale: .*ECONNREFUSED/);
    assert.deepEqual(
      [down.status, denied.status, known.output.trim(), lab.policy.text, (await find())?.addresses],
      [502, 502, device.addresses[0], relayPolicy, device.addresses],
    );
  });

  it("a client of the lab joins with a key of its own, as a user or with tags", async () => {
    const [user, tagged] = [
      await world.headscale.createClientKey({ user: "bob@example.com", ephemeral: true }),
      await world.headscale.createClientKey({ tags: ["tag:ci"], reusable: true }),
    ];
    for (const key of [user, tagged, tagged]) assert.equal((await newNode().up(key)).code, 0);
    assert.deepEqual((await lab.devices()).map((d) => [d.user, d.tags, d.isEphemeral]).sort(), [
      ["bob@example.com", undefined, true],
      ["tagged-devices", ["tag:ci"], false],
      ["tagged-devices", ["tag:ci"], false],
    ]);
    await assert.rejects(
      world.headscale.createClientKey({ user: "eve@example.com" }),
      /^Error: no user eve@example\.com in the lab's tailnet, only admin@example\.com, bob@example\.com$/,
    );
  });
});
