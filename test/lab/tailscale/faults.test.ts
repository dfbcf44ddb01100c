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
