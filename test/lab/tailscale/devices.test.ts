import assert from "node:assert/strict";
import type { Device, TailscaleLab } from "../../../lab/tailscale";
import { bearer, call, keyRequest, relayPolicy, withLab } from "./api";

const options = { policy: relayPolicy, now: () => Date.parse("2026-01-01T00:00:00Z") };

async function join(
  lab: TailscaleLab,
  hostname: string,
  create: Parameters<typeof keyRequest>[0] = {},
): Promise<Device> {
  const reply = await call(lab, "POST", "/tailnet/-/keys", { json: keyRequest(create) });
  return lab.register({ hostname, authKey: (reply.body as { key: string }).key });
}

const names = async (lab: TailscaleLab, query: string) => {
  const { body } = await call(lab, "GET", `/tailnet/-/devices${query}`);
  return (body as { devices: Device[] }).devices.map((d) => d.name.split(".")[0]);
};

describe("the Tailscale API server: devices", () => {
  it(
    "are listed with the API's fields, and more with fields=all",
    withLab(options, async (lab) => {
      const { id, nodeId, nodeKey, machineKey } = await join(lab, "relay", { tags: ["tag:relay"] });
      const device = {
        id,
        nodeId,
        name: "relay.tail1ab2.ts.net",
        hostname: "relay",
        addresses: ["100.64.0.1", "fd7a:115c:a1e0::1"],
        user: "tagged-devices",
        tags: ["tag:relay"],
        created: "2026-01-01T00:00:00Z",
        connectedToControl: true,
        authorized: true,
        keyExpiryDisabled: true,
        expires: "0001-01-01T00:00:00Z",
        clientVersion: "1.102.3",
        os: "linux",
        isEphemeral: false,
        isExternal: false,
        updateAvailable: false,
        blocksIncomingConnections: false,
        nodeKey,
        machineKey,
      };
      const more = {
        advertisedRoutes: [],
        enabledRoutes: [],
        clientConnectivity: { endpoints: [], mappingVariesByDestIP: false, latency: {}, clientSupports: {} },
      };
      const get = async (path: string) => (await call(lab, "GET", path)).body;
      assert.deepEqual(
        [
          await get("/tailnet/-/devices"),
          await get("/tailnet/-/devices?fields=all"),
          await get(`/device/${nodeId}`),
          await get(`/device/${id}?fields=all`),
        ],
        [{ devices: [device] }, { devices: [{ ...device, ...more }] }, device, { ...device, ...more }],
      );
    }),
  );

  it(
    "get a number behind their name when it is taken, and are found by their fields",
    withLab(options, async (lab) => {
      await join(lab, "relay", { tags: ["tag:relay"] });
      await join(lab, "Relay");
      await join(lab, "relay", { tags: ["tag:relay", "tag:ci"] });
      await join(lab, "my host.local");
      assert.deepEqual(
        {
          all: await names(lab, ""),
          hostname: await names(lab, "?hostname=relay"),
          tags: await names(lab, "?tags=tag:relay&tags=tag:ci"),
          ephemeral: await names(lab, "?isEphemeral=true"),
          user: await names(lab, "?user=admin@example.com"),
        },
        {
          all: ["relay", "relay-1", "relay-2", "my-host"],
          hostname: ["relay", "relay-2"],
          tags: ["relay-2"],
          ephemeral: [],
          user: ["relay-1", "my-host"],
        },
      );
    }),
  );

  it(
    "can be changed and deleted by either id",
    withLab(options, async (lab) => {
      const { id, nodeId } = await join(lab, "relay");
      await join(lab, "taken");
      const post = async (what: string, json: unknown) =>
        (await call(lab, "POST", `/device/${id}/${what}`, { json })).status;
      const statuses = [
        await post("key", { keyExpiryDisabled: true }),
        await post("key", {}),
        await post("authorized", { authorized: false }),
        await post("name", { name: "gate" }),
        await post("name", { name: "taken" }),
        await post("tags", { tags: ["tag:relay"] }),
        await post("tags", { tags: ["tag:new"] }),
      ];
      const { keyExpiryDisabled, authorized, name, tags } = (await lab.devices())[0]!;
      assert.deepEqual(
        [statuses, { keyExpiryDisabled, authorized, name, tags }],
        [
          [200, 400, 200, 200, 400, 200, 400],
          { keyExpiryDisabled: true, authorized: false, name: "gate.tail1ab2.ts.net", tags: ["tag:relay"] },
        ],
      );
      const remove = async (which: string) => (await call(lab, "DELETE", `/device/${which}`)).status;
      assert.deepEqual([await remove(nodeId), await remove(id), (await lab.devices()).length], [200, 404, 1]);
    }),
  );

  it(
    "can be tagged by an OAuth client only with tags that it may give",
    withLab(options, async (lab) => {
      const { id } = await join(lab, "relay");
      const auth = await bearer(lab, lab.addOAuthClient({ scopes: ["devices:core"], tags: ["tag:ci"] }));
      const tag = async (t: string) =>
        (await call(lab, "POST", `/device/${id}/tags`, { auth, json: { tags: [t] } })).status;
      assert.deepEqual([await tag("tag:relay"), await tag("tag:other")], [200, 400]);
    }),
  );

  it(
    "that go away keep their place with the time they were last seen, ephemeral ones lose it",
    withLab(options, async (lab) => {
      const stays = await join(lab, "stays");
      const goes = await join(lab, "goes", { ephemeral: true });
      for (const { nodeId } of [stays, goes]) lab.setOnline(nodeId, false);
      const seen = (await lab.devices()).map((d) => [d.hostname, d.connectedToControl, d.lastSeen]);
      lab.setOnline(stays.nodeId, true);
      assert.deepEqual(
        [seen, (await lab.devices())[0]?.connectedToControl, (await lab.devices())[0]?.lastSeen],
        [[["stays", false, "2026-01-01T00:00:00Z"]], true, undefined],
      );
    }),
  );
});
