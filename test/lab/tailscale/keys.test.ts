import assert from "node:assert/strict";
import type { TailscaleLab } from "../../../lab/tailscale";
import { bearer, call, keyRequest, relayPolicy, withLab } from "./api";

const start = Date.parse("2026-01-01T00:00:00Z");

interface KeyBody {
  id: string;
  key: string;
  invalid?: boolean;
}

async function make(lab: TailscaleLab, request: Record<string, unknown>): Promise<KeyBody> {
  return (await call(lab, "POST", "/tailnet/-/keys", { json: request })).body as KeyBody;
}

const invalid = async (lab: TailscaleLab, id: string) =>
  ((await call(lab, "GET", `/tailnet/-/keys/${id}`)).body as KeyBody).invalid ?? false;

describe("the Tailscale API server: auth keys", () => {
  it("shows the secret once, and the rest whenever asked", async () => {
    await withLab({ policy: relayPolicy, now: () => start }, async (lab) => {
      const json = keyRequest(
        { tags: ["tag:relay"], preauthorized: true },
        { description: "peer relay 1", expirySeconds: 60 },
      );
      const { status, body } = await call(lab, "POST", "/tailnet/-/keys", { json });
      const { key, ...meta } = body as KeyBody;
      assert.match(key, new RegExp(`^tskey-auth-${meta.id}-[A-Za-z0-9]{32}$`));
      assert.deepEqual(
        [status, meta],
        [
          200,
          {
            id: meta.id,
            keyType: "auth",
            description: "peer relay 1",
            created: "2026-01-01T00:00:00Z",
            expires: "2026-01-01T00:01:00Z",
            expirySeconds: 60,
            capabilities: {
              devices: {
                create: { reusable: false, ephemeral: false, preauthorized: true, tags: ["tag:relay"] },
              },
            },
            userId: "admin@example.com",
          },
        ],
      );
      assert.deepEqual((await call(lab, "GET", `/tailnet/-/keys/${meta.id}`)).body, meta);
      assert.deepEqual((await call(lab, "GET", "/tailnet/-/keys")).body, { keys: [meta] });
      assert.equal(JSON.stringify(await lab.keys()).includes(key), false);
    })();
  });

  const bad: [what: string, request: unknown, message: string][] = [
    ["no capabilities", {}, "capabilities must be an object"],
    ["no devices", { capabilities: {} }, "devices must be an object"],
    ["a list", [], "request body must be an object"],
    [
      "51 characters",
      keyRequest({}, { description: "x".repeat(51) }),
      "description must be at most 50 characters",
    ],
    [
      "a slash in the description",
      keyRequest({}, { description: "peer/relay" }),
      "description may only contain alphanumeric characters, hyphens and spaces",
    ],
    ["91 days", keyRequest({}, { expirySeconds: 91 * 86_400 }), "expirySeconds must be 1 to 7776000"],
    ["a negative lifetime", keyRequest({}, { expirySeconds: -1 }), "expirySeconds must be 1 to 7776000"],
    [
      "a tag that the policy does not define",
      keyRequest({ tags: ["tag:relay", "tag:new"] }),
      "requested tags [tag:new] are invalid or not permitted",
    ],
  ];
  for (const [what, json, message] of bad) {
    it(
      `are refused with ${what}`,
      withLab({ policy: relayPolicy }, async (lab) => {
        const reply = await call(lab, "POST", "/tailnet/-/keys", { json });
        assert.deepEqual([reply.status, reply.body, await lab.keys()], [400, { message }, []]);
      }),
    );
  }

  it(
    "last 90 days unless said otherwise, and may be made for a tag as soon as the policy defines it",
    withLab({ policy: relayPolicy, now: () => start }, async (lab) => {
      await lab.humanEdit((text) => text.replace('"tag:other"', '"tag:new"'));
      const key = await make(lab, keyRequest({ tags: ["tag:new"] }));
      assert.equal((await lab.keys()).find((k) => k.id === key.id)?.expires, start + 90 * 86_400_000);
    }),
  );

  it(
    "of an OAuth client have exactly its tags, or tags that these own",
    withLab({ policy: relayPolicy }, async (lab) => {
      const auth = await bearer(lab, lab.addOAuthClient({ scopes: ["auth_keys"], tags: ["tag:ci"] }));
      const two = await bearer(
        lab,
        lab.addOAuthClient({ scopes: ["auth_keys"], tags: ["tag:ci", "tag:other"] }),
      );
      const ask = async (who: string, tags: string[]) => {
        const reply = await call(lab, "POST", "/tailnet/-/keys", { auth: who, json: keyRequest({ tags }) });
        return reply.status === 200 ? "ok" : (reply.body as { message: string }).message;
      };
      const no = (tag: string) => `requested tags [${tag}] are invalid or not permitted`;
      assert.deepEqual(
        {
          own: await ask(auth, ["tag:ci"]),
          owned: await ask(auth, ["tag:relay"]),
          foreign: await ask(auth, ["tag:other"]),
          none: await ask(auth, []),
          both: await ask(two, ["tag:other", "tag:ci"]),
          half: await ask(two, ["tag:other"]),
        },
        {
          own: "ok",
          owned: "ok",
          foreign: no("tag:other"),
          none: "tags are required for auth keys that an OAuth client makes",
          both: "ok",
          half: no("tag:other"),
        },
      );
    }),
  );

  it("become invalid by use (single use), by time and by deletion; reusable ones not by use", async () => {
    let now = start;
    await withLab({ policy: relayPolicy, now: () => now }, async (lab) => {
      const single = await make(lab, keyRequest({ tags: ["tag:relay"] }));
      const many = await make(
        lab,
        keyRequest({ tags: ["tag:relay"], reusable: true }, { expirySeconds: 60 }),
      );
      const gone = await make(lab, keyRequest({}));
      const state = async () => [
        await invalid(lab, single.id),
        await invalid(lab, many.id),
        await invalid(lab, gone.id),
      ];
      const fresh = await state();
      for (const { key } of [single, many]) lab.register({ authKey: key, hostname: "relay" });
      await call(lab, "DELETE", `/tailnet/-/keys/${gone.id}`);
      const used = await state();
      now += 60_000;
      assert.deepEqual(
        [fresh, used, await state(), (await call(lab, "GET", "/tailnet/-/keys")).body],
        [[false, false, false], [true, false, true], [true, true, true], { keys: [] }],
      );
    })();
  });

  it(
    "can be deleted after use, but not twice, and unknown ones not at all",
    withLab({ policy: relayPolicy }, async (lab) => {
      const { id, key } = await make(lab, keyRequest({ tags: ["tag:relay"] }));
      lab.register({ authKey: key, hostname: "relay" });
      const remove = async (which: string) => (await call(lab, "DELETE", `/tailnet/-/keys/${which}`)).status;
      assert.deepEqual([await remove(id), await remove(id), await remove("kEXAMPLE")], [200, 404, 404]);
    }),
  );
});
