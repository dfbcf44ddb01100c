import assert from "node:assert/strict";
import { ownedParts, renderFragment } from "../../../components/policy";
import { startTailscale, type TailscaleLab } from "../../../lab/tailscale";
import { Bin, type Ended, itOnTerminal, json, type RunOptions } from "./bin";
import { editByHand, fragment, merged, OWNER, policy } from "./fragments";

/** Everything that every command printed, for the test that looks for secrets. */
const printed: string[] = [];

describe("peer-relay policy, against the lab's Tailscale API", () => {
  let bin: Bin;
  let lab: TailscaleLab;

  before(async () => {
    bin = await Bin.build();
  });
  after(() => bin.close());
  beforeEach(async () => {
    lab = await startTailscale({ policy });
  });
  afterEach(() => lab.close());

  const run = async (args: string[], o: RunOptions = {}): Promise<Ended> => {
    const ended = await bin.run(["policy", ...args], { ...o, env: { ...lab.env, ...o.env } });
    printed.push(ended.out, ended.err);
    return ended;
  };
  const withFragment = (args: string[], value: unknown = fragment) =>
    run([...args, "--fragment", "-"], { input: typeof value === "string" ? value : JSON.stringify(value) });
  const set = (text: string) => lab.humanEdit(() => text);
  const target = "the tailnet lab.example.com";

  it("plan and apply stop where the tailnet says that the file is managed externally; remove does not", async () => {
    await set(merged);
    lab.settings.aclsExternallyManagedOn = true;
    const [plan, apply] = [await withFragment(["plan"]), await withFragment(["apply", "--yes"])];
    const remove = await run(["remove", "--owner", OWNER, "--yes"]);
    assert.deepEqual([plan.code, apply.code, remove.code, lab.policy.text], [4, 4, 0, policy]);
    assert.match(apply.err, /managed externally/);
  });

  it("plan shows the diff, has it checked, writes nothing, and says by its exit code whether there is one", async () => {
    const [first, after] = [await withFragment(["plan"], [fragment]), lab.policy.text];
    await set(merged);
    const second = await withFragment(["plan"]);
    assert.deepEqual([first.code, first.err, after, second.code, second.out], [2, "", policy, 0, ""]);
    assert.equal(
      first.out.replace(/[0-9a-f]{12}/g, "#"),
      `--- a/policy.hujson
+++ b/policy.hujson
@@ -1,9 +1,15 @@
 // ours
 {
 	"tagOwners": {
+		// peer-relay: shop/prod/relay tag-owner # (managed by Pulumi: change it in the stack)
+		"tag:relay": ["autogroup:admin"],
 		"tag:srv": ["autogroup:admin"],
 	},
 	"grants": [
+		// peer-relay: shop/prod/relay grant#1 # (managed by Pulumi: change it in the stack)
+		{"src": ["tag:srv"], "dst": ["tag:relay"], "app": {"tailscale.com/cap/relay": []}},
+		// peer-relay: shop/prod/relay grant#2 # (managed by Pulumi: change it in the stack)
+		{"src": ["tag:srv"], "dst": ["tag:relay"], "ip": ["*"]},
 		{"src": ["*"], "dst": ["*"], "ip": ["*"]}, // for now
 	],
 }
`,
    );
    assert.deepEqual(
      lab.requests.map(({ method, path }) => `${method} ${path.split("/").at(-1)}`),
      ["GET settings", "GET acl", "POST validate", "GET settings", "GET acl"],
    );
  });

  it("apply writes what plan showed, once, and remove takes it out again, byte for byte", async () => {
    const planned = await withFragment(["plan"]);
    const applied = await withFragment(["apply", "--yes"]);
    const [text, again] = [lab.policy.text, await withFragment(["apply", "--yes"])];
    const removed = await run(["remove", "--owner", OWNER, "--yes"]);
    assert.deepEqual([applied.out, applied.err, text], [planned.out, `written to ${target}\n`, merged]);
    assert.deepEqual([again.out, again.err], ["", `no change: ${target} is as it should be\n`]);
    assert.deepEqual(
      [applied.code, again.code, removed.code, lab.policy.text, lab.policy.blindWrites],
      [0, 0, 0, policy, 0],
    );
  });

  it("reads a fragment's HuJSON text too, and several fragments are one write", async () => {
    const tags = { owner: `${OWNER}/tags`, grants: [], tagOwners: fragment.tagOwners };
    await withFragment(["apply", "--yes"], renderFragment(fragment));
    assert.equal(lab.policy.text, merged);
    await withFragment(["apply", "--yes"], [{ ...fragment, grants: [], tagOwners: {} }, tags]);
    assert.deepEqual(
      ownedParts(lab.policy.text).map(({ owner, part }) => `${owner} ${part}`),
      [`${OWNER}/tags tagOwners["tag:relay"]`],
    );
    assert.equal(lab.policy.history.length, 3);
  });

  it("show lists each owner's entries with line and state, as text and as JSON", async () => {
    await set(editByHand(merged).replace(/(.*grant#1.*\n).*\n/, "$1"));
    const { code, out } = await run(["show"]);
    const expected = `shop/prod/relay
  line  5  tagOwners["tag:relay"]  as written                ["autogroup:admin"]
  line  9  grants[0]               marker without its value
  line 11  grants[1]               edited by hand            {"src":["tag:srv"],"dst":["tag:relay"],"ip":["22"]}
`;
    assert.deepEqual([code, out], [0, expected]);
    assert.deepEqual(json(await run(["show", "--json", "--owner", OWNER])), {
      target,
      owners: [
        {
          owner: OWNER,
          parts: [
            { part: 'tagOwners["tag:relay"]', line: 5, state: "written", value: ["autogroup:admin"] },
            { part: "grants[0]", line: 9, state: "lost" },
            {
              part: "grants[1]",
              line: 11,
              state: "edited",
              value: { src: ["tag:srv"], dst: ["tag:relay"], ip: ["22"] },
            },
          ],
        },
      ],
    });
    const none = await run(["show", "--owner", "shop/dev/relay"]);
    assert.deepEqual([none.code, none.out, none.err], [0, "", `${target} has nothing of shop/dev/relay\n`]);
  });

  it("an edit by hand stops plan, apply and remove, and the three ways out do what the error says", async () => {
    const edited = editByHand(merged);
    await set(edited);
    const stopped = [
      await withFragment(["plan"]),
      await withFragment(["apply", "--yes"]),
      await run(["remove", "--owner", OWNER, "--yes"]),
    ];
    assert.deepEqual(
      stopped.map(({ code, out }) => [code, out]),
      [1, 2, 3].map(() => [4, ""]),
    );
    for (const { err } of stopped) {
      assert.match(
        err,
        /\n {2}- "ip": \["22"\]\n[^]*\n {2}adopt .*--owner shop\/prod\/relay\n {2}force [^]*forcePolicy[^]*\n {2}forget /,
      );
    }
    assert.equal(lab.policy.text, edited);

    await run(["adopt", "--owner", OWNER, "--yes"]);
    assert.deepEqual(
      ownedParts(lab.policy.text).map(({ state }) => state),
      ["written", "written", "written"],
    );
    await set(edited);
    await withFragment(["apply", "--force", "--yes"]);
    assert.equal(lab.policy.text, merged);
    await set(edited);
    await run(["forget", "--owner", OWNER, "--yes"]);
    assert.deepEqual(ownedParts(lab.policy.text), []);
    assert.match(lab.policy.text, /"ip": \["22"\]/);
    await set(edited);
    await run(["remove", "--owner", OWNER, "--force", "--yes"]);
    assert.equal(lab.policy.text, policy);
  });

  it("adopt marks what somebody pasted, so that the stack knows it as its own", async () => {
    const pasted = merged.replace(/.*peer-relay: .*grant#.*\n/g, "");
    await set(pasted);
    const adopted = await withFragment(["adopt", "--owner", OWNER, "--yes"]);
    assert.deepEqual([adopted.code, lab.policy.text], [0, merged]);
    const again = await withFragment(["adopt", "--owner", OWNER]);
    assert.deepEqual(
      [again.code, again.err],
      [0, `no change: ${target} has nothing to adopt for ${OWNER}\n`],
    );
  });

  it("remove and forget find nothing of an owner that has nothing, but remove what was pasted when shown a fragment", async () => {
    const pasted = policy.replace('"grants": [', `"grants": [\n\t\t${JSON.stringify(fragment.grants[0])},`);
    const tagged = pasted.replace('"tagOwners": {', '"tagOwners": {\n\t\t"tag:relay": [],');
    await set(tagged);
    for (const name of ["remove", "forget"]) {
      const { code, err } = await run([name, "--owner", OWNER]);
      assert.deepEqual([code, err], [0, `no change: ${target} has nothing of ${OWNER}\n`]);
    }
    const removed = await withFragment(["remove", "--owner", OWNER, "--yes"]);
    assert.deepEqual(
      [removed.code, lab.policy.text],
      [0, policy.replace('"tagOwners": {', '"tagOwners": {\n\t\t"tag:relay": [],')],
    );
  });

  it("check says by its exit code whether all is there, and what lacks", async () => {
    const lacking = await withFragment(["check"], [fragment]);
    await set(merged.replace(/.*peer-relay: .*\n/g, ""));
    const pasted = await withFragment(["check"], [fragment]);
    await set(editByHand(merged));
    const edited = await withFragment(["check", "--json"], [fragment]);
    assert.deepEqual([lacking.code, pasted.code, edited.code], [3, 0, 3]);
    assert.equal(
      lacking.out,
      `shop/prod/relay: not in full\n  grants[0]: missing\n  grants[1]: missing\n  tagOwners["tag:relay"]: missing\n`,
    );
    assert.equal(pasted.out, "shop/prod/relay: in full\n");
    const parts = [
      { part: "grants[0]", state: "present" },
      { part: "grants[1]", state: "edited" },
      { part: 'tagOwners["tag:relay"]', state: "present" },
    ];
    assert.deepEqual(json(edited), {
      target,
      complete: false,
      fragments: [{ owner: OWNER, complete: false, parts }],
    });
    assert.equal(
      lab.requests.every(({ method }) => method === "GET"),
      true,
    );
  });

  it("writes on top of what others wrote in between, and shows what it wrote", async () => {
    lab.faults.add({ kind: "status", status: 412, method: "POST", path: /\/acl$/ });
    const applied = await withFragment(["apply", "--yes"]);
    assert.deepEqual([applied.code, lab.policy.text], [0, merged]);
    await set(policy);
    lab.faults.add({ kind: "delay", ms: 1500, method: "POST", path: /\/validate$/ });
    const running = withFragment(["apply", "--yes"]);
    while (lab.requests.at(-1)?.path.endsWith("/validate") !== true)
      await new Promise((go) => setTimeout(go, 20));
    await set(`// theirs\n${policy}`);
    const { code, out, err } = await running;
    assert.deepEqual([code, lab.policy.text, lab.policy.blindWrites], [0, `// theirs\n${merged}`, 0]);
    assert.match(err, /others had changed it meanwhile; what was written:\n$/);
    assert.match(out, /^@@ -1,9 [^]*^@@ -2,9 [^]*/m);
  });

  it("a policy that Tailscale refuses is not written, and its words are shown", async () => {
    const wrong = { ...fragment, grants: [{ src: ["group:nobody"], dst: ["tag:relay"], ip: ["*"] }] };
    const [planned, applied] = [
      await withFragment(["plan"], wrong),
      await withFragment(["apply", "--yes", "--json"], wrong),
    ];
    assert.deepEqual([planned.code, planned.out, applied.code, lab.policy.text], [5, "", 5, policy]);
    assert.match(planned.err, /^peer-relay: Tailscale refused the policy: .*group:nobody/);
    const { error } = json(applied) as { error: { code: string; message: string } };
    assert.deepEqual([error.code, `peer-relay: ${error.message}\n`], ["refused", planned.err]);
  });

  it("opens or closes no tailnet by accident", async () => {
    await set('{"tagOwners": {"tag:srv": []}}\n');
    const stopped = await withFragment(["apply", "--yes"]);
    assert.deepEqual([stopped.code, stopped.out], [4, ""]);
    assert.match(stopped.err, /keepAllowAll/);
    const kept = await withFragment(["apply", "--yes", "--keep-allow-all"]);
    assert.deepEqual([kept.code, /allow-all/.test(lab.policy.text)], [0, true]);
  });

  itOnTerminal("asks on a terminal, in colours, and writes only after a yes", async () => {
    const args = ["policy", "remove", "--owner", OWNER];
    const env = lab.env;
    await set(merged);
    const no = await bin.onTerminal(args, async () => "\r", { env });
    const [kept, coloured] = [lab.policy.text, /\u001b\[31m-\t\t"tag:relay"/.test(no.out)];
    const plain = await bin.onTerminal(args, async () => "n\r", { env: { ...env, NO_COLOR: "1" } });
    const yes = await bin.onTerminal(args, async () => "y\r", { env });
    printed.push(no.out, plain.out, yes.out);
    assert.deepEqual([no.code, kept, coloured], [7, merged, true], no.out);
    assert.deepEqual([plain.code, /\u001b\[3\dm/.test(plain.out)], [7, false]);
    assert.deepEqual([yes.code, lab.policy.text], [0, policy], yes.out);
  });

  itOnTerminal("asks again when others wrote while somebody read the diff", async () => {
    const answer = async () => {
      if (!lab.policy.text.startsWith("// theirs")) await set(`// theirs\n${merged}`);
      return "y\r";
    };
    await set(merged);
    const { code, out } = await bin.onTerminal(["policy", "remove", "--owner", OWNER], answer, {
      env: lab.env,
    });
    assert.deepEqual([code, lab.policy.text], [0, `// theirs\n${policy}`], out);
    assert.equal(out.split("[y/N]").length, 3);
  });

  it("without a terminal it writes only with --yes, and shows what it would write", async () => {
    const refused = await withFragment(["apply"]);
    const asJson = await withFragment(["apply", "--json"]);
    assert.deepEqual([refused.code, asJson.code, lab.policy.text], [7, 7, policy]);
    assert.match(refused.out, /^\+.*grant#1/m);
    assert.match(
      refused.err,
      /^peer-relay: there is no terminal to ask on: .* --yes; nothing was written\n$/,
    );
    assert.deepEqual(json(asJson), {
      error: {
        code: "not-confirmed",
        message: "with --json nothing is asked: look at the diff, then add --yes; nothing was written",
      },
    });
  });

  it("--json prints one document with the diff, whatever happens", async () => {
    const { out: diff } = await withFragment(["plan"]);
    const report = { target, changed: true, diff };
    const planned = await withFragment(["plan", "--json"]);
    const applied = await withFragment(["apply", "--json", "--yes"]);
    const again = await withFragment(["apply", "--json"]);
    assert.deepEqual([planned.code, json(planned), json(applied)], [2, report, report]);
    assert.deepEqual([again.code, json(again)], [0, { target, changed: false, diff: "" }]);
    const errors = [
      [["show"], { TAILSCALE_API_KEY: "" }, 1, "credentials"],
      [["show", "--nonsense"], {}, 1, "usage"],
      [["show", "--file", "no-such-file"], {}, 1, "file"],
      [["show"], { TAILSCALE_API_KEY: "tskey-api-wrong" }, 1, "api"],
    ] as const;
    for (const [args, env, exit, code] of errors) {
      const ended = await run([...args, "--json"], { env });
      const { error } = json(ended) as { error: { code: string; message: string } };
      assert.deepEqual([ended.code, error.code, ended.err, typeof error.message], [exit, code, "", "string"]);
    }
  });

  const wrong: [string, string[], string | undefined, Record<string, string>, RegExp][] = [
    [
      "no credentials",
      ["show"],
      undefined,
      { TAILSCALE_API_KEY: "" },
      /^peer-relay: no Tailscale credentials: set TAILSCALE_API_KEY, or /,
    ],
    [
      "a key that is no word",
      ["show"],
      undefined,
      { TAILSCALE_API_KEY: "tskey api" },
      /^peer-relay: TAILSCALE_API_KEY must be one word of visible ASCII characters \(the value is a secret and not shown\)\n$/,
    ],
    [
      "an address that is none",
      ["show"],
      undefined,
      { TAILSCALE_BASE_URL: "ftp://x" },
      /^peer-relay: TAILSCALE_BASE_URL must be an http or https URL, got "ftp:\/\/x"\n$/,
    ],
    [
      "no fragment",
      ["plan"],
      undefined,
      {},
      /^peer-relay: required option '--fragment <file>' not specified\n$/,
    ],
    [
      "a fragment file that is not there",
      ["plan", "--fragment", "no/such"],
      undefined,
      {},
      /^peer-relay: cannot read --fragment no\/such: no such file or directory\n$/,
    ],
    [
      "bad JSON",
      ["plan", "--fragment", "-"],
      '{"owner": "a",\n nope',
      {},
      /^peer-relay: --fragment must be JSON or HuJSON \(InvalidSymbol at line 2, column 2\), got "\{/,
    ],
    [
      "nothing on stdin",
      ["plan", "--fragment", "-"],
      "",
      {},
      /^peer-relay: --fragment must be JSON or HuJSON \(ValueExpected at line 1, column 1\), got ""\n$/,
    ],
    [
      "a grant that is wrong",
      ["plan", "--fragment", "-"],
      '[{"owner": "a/b/c", "grants": [{"src": [], "dst": ["*"], "ip": ["*"]}], "tagOwners": {}}]',
      {},
      /^peer-relay: invalid policy fragment:\n {2}grants\[0\]\.src must be a list with at least one entry, got \[\]\n$/,
    ],
    [
      "an owner that cannot be one",
      ["remove", "--owner", "a b"],
      undefined,
      {},
      /^peer-relay: --owner must be 1 to 200 visible characters without spaces and not "\*", got "a b"\n$/,
    ],
    [
      "no owner",
      ["forget", "--yes"],
      undefined,
      {},
      /^peer-relay: required option '--owner <owner>' not specified\n$/,
    ],
    [
      "an owner that no fragment has",
      ["plan", "--fragment", "-", "--owner", "x/y/z"],
      JSON.stringify([fragment]),
      {},
      /^peer-relay: --owner must be one of shop\/prod\/relay, got "x\/y\/z"\n$/,
    ],
    [
      "two policies at once",
      ["show", "--file", "a", "--headscale", "https://b"],
      undefined,
      {},
      /^peer-relay: option '--file <file>' cannot be used with option '--headscale <url>'\n$/,
    ],
    [
      "no key for headscale",
      ["show", "--headscale", "https://127.0.0.1:1"],
      undefined,
      {},
      /^peer-relay: no headscale API key: set HEADSCALE_API_KEY/,
    ],
    [
      "a headscale that is no URL",
      ["show", "--headscale", "example"],
      undefined,
      {},
      /^peer-relay: --headscale must be an http or https URL, got "example"\n$/,
    ],
    [
      "a password in the URL",
      ["show", "--headscale", "https://a:hunter2@b"],
      undefined,
      {},
      /^peer-relay: --headscale must have no user and no password in it \(it is not shown\)\n$/,
    ],
    [
      "a word too many",
      ["show", "policy.hujson"],
      undefined,
      {},
      /^peer-relay: too many arguments for 'show'/,
    ],
  ];
  for (const [name, args, input, env, message] of wrong) {
    it(`says what is wrong: ${name}`, async () => {
      const { code, out, err } = await run(args, { input, env });
      assert.match(err, message);
      assert.deepEqual([code, out, lab.requests.length], [1, "", 0]);
    });
  }

  it("help has examples and exit codes, for each command", async () => {
    for (const name of ["show", "plan", "apply", "remove", "adopt", "forget", "check"]) {
      const { code, out, err } = await run([name, "--help"]);
      assert.deepEqual([code, err], [0, ""]);
      assert.match(
        out,
        new RegExp(
          `Examples:\n {2}\\$ .*peer-relay policy ${name}\\b[^]*Exit codes:\n {2}0 [^]*\n {2}7 {2}not`,
        ),
      );
    }
    assert.match(
      (await run(["--help"])).out,
      /TAILSCALE_API_KEY[^]*HEADSCALE_API_KEY. headscale has no conditional write/,
    );
  });

  it("prints no secret, not even one that a server sends back or somebody types", async () => {
    const { clientId, clientSecret } = lab.addOAuthClient({ scopes: ["policy_file:read"] });
    const env = {
      TAILSCALE_API_KEY: "",
      TAILSCALE_OAUTH_CLIENT_ID: clientId,
      TAILSCALE_OAUTH_CLIENT_SECRET: clientSecret,
    };
    assert.equal((await run(["show"], { env })).code, 0);
    const message = `${lab.apiKey} and ${clientSecret} are wrong`;
    const path = /\/acl$/;
    lab.faults.add({ kind: "status", status: 400, message, path });
    const echoed = await run(["show"]);
    lab.faults.add({ kind: "status", status: 400, message, path });
    const asJson = await run(["show", "--json"], { env });
    assert.equal(/pulumi up/.test(printed.join("")), false, "that is no advice here");
    const typed = [`--api-key=${lab.apiKey}`, "--json"];
    assert.match(echoed.err, /400: \*\*\* and tskey-\*\*\* are wrong/);
    assert.match(asJson.out, /400: tskey-\*\*\* and \*\*\* are wrong/);
    assert.match((await run(["show", ...typed])).out, /unknown option '--api-key=\*\*\*'/);
    const all = printed.join("");
    for (const secret of [lab.apiKey, clientSecret, "hunter2", "tskey api"]) {
      assert.equal(all.includes(secret), false, secret);
    }
    assert.equal(/tskey-(api|client)-(?!wrong)/.test(all), false);
  });
});
