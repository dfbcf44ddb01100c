import assert from "node:assert/strict";
import { call, relayPolicy, withLab } from "./api";

const acl = "/tailnet/-/acl";
const other = '{"grants": []}';

describe("the Tailscale API server: faults on request", () => {
  it(
    "meet the requests they are meant for, as often as said, and are gone then",
    withLab({ policy: relayPolicy }, async (lab) => {
      lab.faults.add({ kind: "status", status: 500, method: "POST", path: /\/acl$/, times: 2 });
      const get = async () => (await call(lab, "GET", acl)).status;
      const post = async () => (await call(lab, "POST", acl, { text: other })).status;
      assert.deepEqual(
        [await get(), await post(), await post(), await get(), await post()],
        [200, 500, 500, 200, 200],
      );
    }),
  );

  it(
    "look like the real ones",
    withLab({}, async (lab) => {
      lab.faults.add({ kind: "rate-limit", retryAfterSeconds: 7 });
      const limited = await fetch(`${lab.url}/api/v2${acl}`);
      lab.faults.add({ kind: "html", status: 502 });
      const gateway = await call(lab, "GET", acl);
      lab.faults.add({ kind: "delay", ms: 60 });
      const before = Date.now();
      const late = await call(lab, "GET", acl);
      assert.deepEqual(
        [limited.status, limited.headers.get("retry-after"), gateway.status, gateway.type, late.status],
        [429, "7", 502, "text/html", 200],
      );
      assert.ok(Date.now() - before >= 59);
    }),
  );

  it(
    "cut the connection before anything happened, or after the write happened",
    withLab({ policy: relayPolicy }, async (lab) => {
      const write = () =>
        call(lab, "POST", acl, { text: other, headers: { "If-Match": lab.policy.etag } }).then(
          (r) => r.status,
          () => "cut",
        );
      lab.faults.add({ kind: "cut", when: "before" });
      const first = [await write(), lab.policy.text];
      lab.faults.add({ kind: "cut", when: "after" });
      const second = [await write(), lab.policy.text];
      assert.deepEqual(
        [first, second, lab.requests.at(-1)?.status],
        [["cut", relayPolicy], ["cut", other], 0],
      );
    }),
  );

  it(
    "take the ETag away or make it weak, which no write is then allowed with",
    withLab({ policy: relayPolicy }, async (lab) => {
      const tags: (string | null)[] = [];
      for (const etag of ["missing", "weak"] as const) {
        lab.faults.add({ kind: "etag", etag });
        const answer = await fetch(`${lab.url}/api/v2${acl}`, {
          headers: { Authorization: `Bearer ${lab.apiKey}` },
        });
        tags.push(answer.headers.get("etag"));
      }
      assert.deepEqual(tags, [null, `W/${lab.policy.etag}`]);
      const headers = { "If-Match": `W/${lab.policy.etag}` };
      assert.equal((await call(lab, "POST", acl, { text: other, headers })).status, 412);
    }),
  );

  it(
    "may come after the write, or let something else happen, before it, after it, and when it was answered",
    withLab({ policy: relayPolicy }, async (lab) => {
      const seen: string[] = [];
      const write = async (text: string) => (await call(lab, "POST", acl, { text })).status;
      const written = (when: string) => `{"grants": []} // ${when}`;
      lab.faults.add({ kind: "html", status: 502, when: "after" });
      seen.push(`${await write(other)}: ${lab.policy.text}`);
      for (const when of ["before", "after", "answered"] as const) {
        const act = () => void seen.push(`${when}: ${lab.policy.text}`);
        lab.faults.add({ kind: "act", when, act });
        assert.equal(await write(written(when)), 200);
      }
      assert.deepEqual(seen, [
        `502: ${other}`,
        `before: ${other}`,
        `after: ${written("after")}`,
        `answered: ${written("answered")}`,
      ]);
    }),
  );

  it(
    "come by chance where none waits",
    withLab({ policy: relayPolicy }, async (lab) => {
      lab.faults.byChance = (method) => (method === "POST" ? { kind: "status", status: 500 } : undefined);
      lab.faults.add({ kind: "status", status: 503 });
      const answers: number[] = [];
      for (const method of ["POST", "POST", "GET"]) answers.push((await call(lab, method, acl)).status);
      assert.deepEqual(answers, [503, 500, 200]);
    }),
  );

  it(
    "never show in the log what was secret: it has methods, paths and statuses only",
    withLab({ policy: relayPolicy }, async (lab) => {
      await call(lab, "GET", `${acl}?details=1`);
      await call(lab, "POST", "/tailnet/-/keys", { json: { capabilities: { devices: {} } } });
      await call(lab, "GET", "/nothing");
      assert.deepEqual(lab.requests, [
        { method: "GET", path: "/api/v2/tailnet/-/acl", status: 200, ifMatch: false },
        { method: "POST", path: "/api/v2/tailnet/-/keys", status: 200, ifMatch: false },
        { method: "GET", path: "/api/v2/nothing", status: 404, ifMatch: false },
      ]);
    }),
  );
});
