import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { addFragment } from "../../../components/policy";
import { startWorld, type World } from "../headscale/world";
import { Bin, json, type RunOptions } from "./bin";
import { editByHand, fragment as onTailscale, OWNER, policy as ofTailscale } from "./fragments";

/** headscale has no roles: owners of tags are users and groups. */
const fragment = { ...onTailscale, tagOwners: { "tag:relay": ["admin@example.com"] } };
const policy = ofTailscale.replace("autogroup:admin", "admin@example.com");
const merged = addFragment(policy, fragment);
const input = JSON.stringify(fragment);
const ofInput = ["--fragment", "-"];

describe("peer-relay policy, with a real headscale", () => {
  let bin: Bin;
  let world: World;

  before(async () => {
    [bin, world] = [await Bin.build(), await startWorld()];
  });
  after(async () => {
    bin.close();
    await world.close();
  });

  const run = (args: string[], o: RunOptions = {}) => {
    const { url, apiKey, caFile } = world.headscale;
    const env = { HEADSCALE_API_KEY: apiKey, NODE_EXTRA_CA_CERTS: caFile, ...o.env };
    return bin.run(["policy", ...args, "--headscale", url], { ...o, env });
  };
  const live = () => world.headscale.api.policy();

  it("plans, applies, checks, shows, settles an edit by hand, and removes", async () => {
    await world.headscale.api.setPolicy(policy);
    const planned = await run(["plan", ...ofInput], { input });
    const before = await live();
    const applied = await run(["apply", ...ofInput, "--yes"], { input });
    assert.deepEqual([planned.code, before, applied.code, await live()], [2, policy, 0, merged], applied.err);
    assert.equal(applied.out, planned.out);
    assert.equal((await run(["check", ...ofInput], { input })).code, 0);
    await world.headscale.api.setPolicy(editByHand(merged));
    assert.equal((await run(["apply", ...ofInput, "--yes"], { input })).code, 4);
    assert.match((await run(["show"])).out, /grants\[1\] +edited by hand/);
    assert.equal((await run(["adopt", "--owner", OWNER, "--yes"])).code, 0);
    assert.equal((await run(["remove", "--owner", OWNER, "--yes"])).code, 0);
    assert.equal(await live(), policy);
  });

  it("shows headscale's words: a policy that it refuses, a wrong key, a policy that is a file", async () => {
    await world.headscale.api.setPolicy(policy);
    const wrong = { ...fragment, grants: [{ src: ["group:nobody"], dst: ["tag:relay"], ip: ["*"] }] };
    const refused = await run(["plan", ...ofInput], { input: JSON.stringify(wrong) });
    assert.deepEqual([refused.code, await live()], [5, policy]);
    assert.match(refused.err, /^peer-relay: headscale refused the policy: .*group:nobody/);
    const env = { HEADSCALE_API_KEY: "hskey-api-wrong" };
    const denied = await run(["show", "--json"], { env });
    const { error } = json(denied) as { error: { code: string; message: string } };
    assert.deepEqual([denied.code, error.code], [1, "api"]);
    assert.match(error.message, /^headscale: GET \/api\/v1\/policy: 401: Unauthorized/i);

    const [configFile, file] = [join(world.dir, "config.yaml"), join(world.dir, "policy.hujson")];
    const config = JSON.parse(readFileSync(configFile, "utf8")) as Record<string, unknown>;
    writeFileSync(file, policy);
    writeFileSync(configFile, JSON.stringify({ ...config, policy: { mode: "file", path: file } }));
    await world.headscale.stop();
    await world.headscale.start();
    const planned = await run(["plan", ...ofInput], { input });
    const stopped = await run(["apply", ...ofInput, "--yes"], { input });
    assert.deepEqual([planned.code, stopped.code, readFileSync(file, "utf8")], [2, 5, policy]);
    assert.match(
      stopped.err,
      /^peer-relay: headscale refused the write: update is disabled for modes other than 'database' \(its policy is a file/,
    );
    assert.equal(stopped.err.includes(world.headscale.apiKey), false);
  });
});

describe("peer-relay policy, with a headscale that somebody else writes to as well", () => {
  let bin: Bin;
  let server: Server;
  let live = policy;
  /** Runs on each request, before it is answered. */
  let meanwhile: (request: string) => void = () => undefined;
  const requests: string[] = [];

  before(async () => {
    bin = await Bin.build();
    server = createServer((request, response) => {
      const name = `${request.method} ${request.url}`;
      let body = "";
      request.on("data", (data: Buffer) => (body += data.toString()));
      request.on("end", () => {
        requests.push(name);
        if (request.method === "PUT") live = (JSON.parse(body) as { policy: string }).policy;
        meanwhile(name);
        // One that is too old to check a policy.
        response.statusCode = request.url === "/api/v1/policy/check" ? 404 : 200;
        response.end(JSON.stringify({ policy: live }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  after(() => {
    bin.close();
    server.close();
  });
  beforeEach(() => {
    live = policy;
    requests.length = 0;
  });

  const apply = () => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const env = { HEADSCALE_API_KEY: "hskey-api-EXAMPLE" };
    return bin.run(["policy", "apply", ...ofInput, "--yes", "--headscale", url], { input, env });
  };

  it("writes on top of what was written until right before", async () => {
    let reads = 0;
    meanwhile = (request) => {
      if (request === "GET /api/v1/policy" && ++reads === 3) live = `// theirs\n${policy}`;
    };
    const { code, err } = await apply();
    assert.deepEqual([code, live], [0, `// theirs\n${merged}`], err);
    assert.match(err, /others had changed it meanwhile/);
    assert.deepEqual(
      requests.map((request) => request.replace("/api/v1", "")),
      [
        ...["GET /policy", "GET /policy", "POST /policy/check", "GET /policy"],
        ...["GET /policy", "POST /policy/check", "GET /policy", "PUT /policy", "GET /policy"],
      ],
    );
  });

  it("says so when its write was overwritten at once", async () => {
    meanwhile = (request) => {
      if (request.startsWith("PUT")) live = `// theirs\n${policy}`;
    };
    const { code, err } = await apply();
    assert.deepEqual([code, live], [6, `// theirs\n${policy}`]);
    assert.match(err, /^peer-relay: headscale took the policy, but has another one now: /);
  });
});
