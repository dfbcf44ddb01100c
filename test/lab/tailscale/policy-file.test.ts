import assert from "node:assert/strict";
import { defaultPolicy } from "../../../lab/tailscale";
import { bearer, call, relayPolicy, withLab } from "./api";

const other = '{"grants": []} // edited\n';

describe("the Tailscale API server: the policy file", () => {
  it(
    "is served as it was written, or as JSON to those who ask, or with details",
    withLab({ policy: relayPolicy }, async (lab) => {
      const plain = await call(lab, "GET", "/tailnet/-/acl");
      const hujson = await call(lab, "GET", "/tailnet/-/acl", { headers: { Accept: "application/hujson" } });
      const json = await call(lab, "GET", "/tailnet/-/acl", { headers: { Accept: "application/json" } });
      const details = await call(lab, "GET", "/tailnet/-/acl?details=1");
      const etag = lab.policy.etag;
      const raw = { status: 200, body: relayPolicy, etag, type: "application/hujson" };
      const tagOwners = { "tag:ci": ["autogroup:admin"], "tag:relay": ["tag:ci"], "tag:other": [] };
      assert.deepEqual(
        { plain, hujson, json, details },
        {
          plain: raw,
          hujson: raw,
          json: {
            status: 200,
            body: { tagOwners, grants: [{ src: ["*"], dst: ["*"], ip: ["*"] }] },
            etag,
            type: "application/json",
          },
          details: {
            status: 200,
            body: { acl: Buffer.from(relayPolicy).toString("base64"), warnings: [], errors: null },
            etag,
            type: "application/json",
          },
        },
      );
    }),
  );

  it(
    "is replaced only when If-Match names the current version",
    withLab({ policy: relayPolicy }, async (lab) => {
      const write = (ifMatch: string, text: string) =>
        call(lab, "POST", "/tailnet/-/acl", { text, headers: { "If-Match": ifMatch } });
      const old = lab.policy.etag;
      const first = await write(old, other);
      const late = await write(old, relayPolicy);
      const untouched = await write('"ts-default"', relayPolicy);
      assert.deepEqual(
        [first.status, first.body, first.etag === lab.policy.etag, late, untouched.status, lab.policy.text],
        [
          200,
          other,
          true,
          {
            status: 412,
            body: { message: "precondition failed, invalid old hash" },
            etag: null,
            type: "application/json",
          },
          412,
          other,
        ],
      );
    }),
  );

  it(
    "answers to ts-default until the first write, by whomever",
    withLab({}, async (lab) => {
      const write = async () =>
        (await call(lab, "POST", "/tailnet/-/acl", { text: other, headers: { "If-Match": '"ts-default"' } }))
          .status;
      assert.equal(lab.policy.text, defaultPolicy);
      assert.deepEqual([await write(), await write()], [200, 412]);
    }),
  );

  it(
    "is overwritten without If-Match, as the real one is, and that is on record",
    withLab({ policy: relayPolicy }, async (lab) => {
      const before = lab.policy.blindWrites;
      const { status } = await call(lab, "POST", "/tailnet/-/acl", { text: other });
      assert.deepEqual(
        {
          status,
          before,
          after: lab.policy.blindWrites,
          history: lab.policy.history,
          log: lab.requests.at(-1),
        },
        {
          status: 200,
          before: 0,
          after: 1,
          history: [
            { text: relayPolicy, by: "start", guarded: true },
            { text: other, by: "api", guarded: false },
          ],
          log: { method: "POST", path: "/api/v2/tailnet/-/acl", status: 200, ifMatch: false },
        },
      );
    }),
  );

  it(
    "gets a new ETag when a human edits it, and a human can't save a broken one either",
    withLab({ policy: relayPolicy }, async (lab) => {
      const before = lab.policy.etag;
      await lab.humanEdit((text) => text.replace("// ours", "// theirs"));
      assert.notEqual(lab.policy.etag, before);
      await assert.rejects(
        () => lab.humanEdit((text) => text.replace("tag:ci", "tag:")),
        /tag names must not be empty/,
      );
      assert.equal(lab.policy.text, relayPolicy.replace("// ours", "// theirs"));
    }),
  );

  it(
    "stays as it is when the new one is refused",
    withLab({ policy: relayPolicy }, async (lab) => {
      const text = '{"grants": [{"src": ["tag:x"], "dst": ["*"], "ip": ["*"]}]}';
      const reply = await call(lab, "POST", "/tailnet/-/acl", {
        text,
        headers: { "If-Match": lab.policy.etag },
      });
      assert.deepEqual(
        [reply.status, reply.body, lab.policy.text],
        [400, { message: 'src=tag not found: "tag:x"' }, relayPolicy],
      );
    }),
  );

  it(
    "goes back to the default with an empty body",
    withLab({ policy: relayPolicy }, async (lab) => {
      const headers = { "If-Match": lab.policy.etag };
      await call(lab, "POST", "/tailnet/-/acl", { text: "", headers });
      assert.equal(lab.policy.text, defaultPolicy);
    }),
  );

  it(
    "may be re-indented by the server, with all comments kept",
    withLab({ policy: relayPolicy, formatOnWrite: true }, async (lab) => {
      const text = '{ // why\n    "grants": [],\n        /* and */ "acls": [] }';
      await call(lab, "POST", "/tailnet/-/acl", { text, headers: { "If-Match": lab.policy.etag } });
      const words = (t: string) => t.replace(/\s+/g, "");
      assert.notEqual(lab.policy.text, text);
      assert.equal(words(lab.policy.text), words(text));
    }),
  );

  it(
    "is validated with status 200 whatever comes out, and nothing is written",
    withLab({ policy: relayPolicy }, async (lab) => {
      const auth = await bearer(lab, lab.addOAuthClient({ scopes: ["policy_file:read"] }));
      const validate = async (text: string) => {
        const { status, body } = await call(lab, "POST", "/tailnet/-/acl/validate", { text, auth });
        return [status, body];
      };
      const failing = [{ src: "tag:ci", deny: ["tag:relay:22"] }];
      const detail = { user: "tag:ci", errors: ['address "tag:relay:22": want: Drop, got: Accept'] };
      const failed = { message: "test(s) failed", data: [detail] };
      assert.deepEqual(
        {
          good: await validate(other),
          syntax: await validate('{"grants": [}'),
          policyWithTests: await validate(
            relayPolicy.replace(/}\s*$/, `"tests": ${JSON.stringify(failing)}}`),
          ),
          tests: await validate(JSON.stringify(failing)),
          text: lab.policy.text,
        },
        {
          good: [200, {}],
          syntax: [200, { message: "hujson: line 1, column 13: ValueExpected" }],
          policyWithTests: [200, failed],
          tests: [200, failed],
          text: relayPolicy,
        },
      );
    }),
  );

  it(
    "may pass with warnings",
    withLab({ policy: relayPolicy }, async (lab) => {
      lab.policy.warnings = ['"group:x": user not found: "alice@example.com"'];
      const { status, body } = await call(lab, "POST", "/tailnet/-/acl/validate", { text: other });
      const data = [{ user: "", warnings: lab.policy.warnings }];
      assert.deepEqual([status, body], [200, { message: "warning(s) found", data }]);
    }),
  );
});
