import assert from "node:assert/strict";
import {
  addFragment,
  type EditOptions,
  editPolicyFile,
  type PolicyFragment,
  removeFragment,
} from "../../../components/policy";
import { connectTailnet } from "../../../components/tailnet/client";
import { readCredentials } from "../../../components/tailnet/credentials";
import { policyFileOf } from "../../../components/tailnet/policy-file";
import { type Fault, type FaultKind, startTailscale, type TailscaleLab } from "../../../lab/tailscale";

const relay = { src: ["tag:srv"], dst: ["tag:relay"], app: { "tailscale.com/cap/relay": [] } };
const access = { src: ["tag:srv"], dst: ["tag:relay"], ip: ["*"] };
const FILE = `{
	"tagOwners": {"tag:srv": [], "tag:relay": []},
	"grants": [
		{"src": ["*"], "dst": ["*"], "ip": ["*"]},
	],
}
`;
/** Somebody's own grant that says the same as ours. */
const WITH_TWIN = FILE.replace("\t],", `\t\t${JSON.stringify(relay)},\n\t],`);
const ours: PolicyFragment = { owner: "shop/prod/relay", grants: [relay], tagOwners: {} };

type Edit = (text: string, retryOf?: string) => string;
const add: Edit = (text, retryOf) => addFragment(text, ours, { retryOf });
const removal =
  (fragment = ours, options: EditOptions = {}): Edit =>
  (text, retryOf) =>
    removeFragment(text, fragment, { ...options, retryOf });

const read = { method: "GET", path: /\/acl$/ };
const check = { method: "POST", path: /\/acl\/validate$/ };
const write = { method: "POST", path: /\/acl$/ };
const reread = "GET 200";
const cutAfter: Fault = { ...write, kind: "cut", when: "after" };

/** What each request is answered when nothing goes wrong. */
const CALM = { read: "GET 200", check: "validate 200", write: "POST 200" };
const STEPS = { read, check, write };

interface Case {
  fault: string;
  kind: FaultKind;
  step: keyof typeof STEPS;
  /** What the request that meets the fault, and those that follow from it, are answered. @default as when all is calm */
  answers?: string[];
}

/** One case for each step at which a fault of this kind is nothing but a lost try. */
function triedAgain(fault: string, kind: FaultKind, status: number): Case[] {
  return (["read", "check", "write"] as const).map((step) => {
    const lost = CALM[step].replace("200", `${status}`);
    return { fault, kind, step, answers: [lost, CALM[step]] };
  });
}

const anyStep = (fault: string, kind: FaultKind): Case[] =>
  (["read", "check", "write"] as const).map((step) => ({ fault, kind, step }));

const CASES: Case[] = [
  ...triedAgain("429 with Retry-After", { kind: "rate-limit", retryAfterSeconds: 0.05 }, 429),
  ...triedAgain("500", { kind: "status", status: 500 }, 500),
  ...triedAgain("502 with an HTML body", { kind: "html", status: 502 }, 502),
  ...triedAgain("a cut before the server did anything", { kind: "cut", when: "before" }, 0),
  ...anyStep("a slow answer", { kind: "delay", ms: 300 }),
  { fault: "a weak ETag", kind: { kind: "etag", etag: "weak" }, step: "read" },
  { fault: "no ETag", kind: { kind: "etag", etag: "missing" }, step: "write" },
  {
    ...{ fault: "412 although nobody wrote", kind: { kind: "status", status: 412 }, step: "write" },
    answers: ["POST 412", ...Object.values(CALM)],
  },
  {
    ...{ fault: "500 after the server wrote", kind: { kind: "status", status: 500, when: "after" } },
    ...{ step: "write", answers: ["POST 500", "POST 412", reread] },
  },
  {
    ...{ fault: "502 with an HTML body after the server wrote", step: "write" },
    ...{ kind: { kind: "html", status: 502, when: "after" }, answers: ["POST 502", "POST 412", reread] },
  },
  {
    ...{ fault: "a cut after the server wrote", kind: { kind: "cut", when: "after" }, step: "write" },
    answers: ["POST 0", "POST 412", reread],
  },
];

describe("A change of the policy file", function () {
  this.timeout(60_000);

  // Clients wait half a second and more before they try again: all at once, then.
  let results: ReturnType<typeof addAndRemove>[] = [];
  before(async () => {
    results = CASES.map(({ kind, step }) => addAndRemove({ ...kind, ...STEPS[step] }));
    await Promise.allSettled(results);
  });

  CASES.forEach(({ fault, step, answers }, i) => {
    it(`is done once in spite of ${fault}, at the ${step}`, async () => {
      const expected = { ...CALM, [step]: answers ?? CALM[step] };
      const calls = [expected.read, expected.check, expected.write].flat();
      const history = [FILE, add(FILE), FILE];
      assert.deepEqual(await results[i], { added: calls, removed: calls, history, blindWrites: 0 });
    });
  });

  it("is done with a new token when the old one expires in the middle, at any step", async () => {
    for (const step of Object.values(STEPS)) {
      let clock = 0;
      await inLab(FILE, { now: () => Date.now() + clock }, async (lab, store) => {
        await store.read();
        lab.faults.add({ ...step, kind: "act", when: "before", act: () => void (clock += 2 * 3600 * 1000) });
        await editPolicyFile(store, add);
        assert.deepEqual(
          [
            lab.policy.history.map(({ text }) => text),
            lab.requests.filter(({ status }) => status === 401).length,
          ],
          [[FILE, add(FILE)], 1],
        );
      });
    }
  });

  it("is refused without an ETag, with nothing written, and done when it is tried later", async () => {
    await inLab(FILE, {}, async (lab, store) => {
      lab.faults.add({ ...read, kind: "etag", etag: "missing" });
      await assert.rejects(editPolicyFile(store, add), { code: "no-etag" });
      assert.deepEqual([lab.policy.text, callsOf(lab)], [FILE, ["GET 200"]]);
      await editPolicyFile(store, add);
      assert.equal(lab.policy.text, add(FILE));
    });
  });

  it("that no try of gets an answer for is no failure when it is in the file", async () => {
    await inLab(FILE, {}, async (lab, store) => {
      lab.faults.add(cutAfter);
      lab.faults.add({ ...write, kind: "rate-limit", retryAfterSeconds: 0.05, times: 5 });
      const { changed } = await editPolicyFile(store, add);
      assert.deepEqual([changed, lab.policy.text, callsOf(lab).at(-1)], [false, add(FILE), reread]);
      // Not there: that is a failure, after as many tries, and in the words of the last answer.
      lab.faults.add({ ...write, kind: "rate-limit", retryAfterSeconds: 0.05, times: 6 });
      await assert.rejects(editPolicyFile(store, removal()), /POST .*\/acl: 429: too many requests/);
      assert.equal(lab.policy.text, add(FILE));
    });
  });
});

describe("A write that was done, but whose answer was lost,", function () {
  this.timeout(30_000);
  const theirs = (text: string) => text.replace("{", "{ // somebody else\n");

  /** Runs the edit; its first write is done, its answer lost, and then `next` happens before the write comes again. */
  const loseAnswer = async (
    before: string,
    edit: Edit,
    next: (text: string) => string = (text) => text,
    options: { formatOnWrite?: boolean; faults?: Fault[] } = {},
  ) => {
    let text = "";
    await inLab(before, options, async (lab, store) => {
      const human = () => lab.humanEdit(next);
      const resend: Fault = { ...write, kind: "act", when: "before", act: human };
      for (const fault of [cutAfter, ...(options.faults ?? []), resend]) lab.faults.add(fault);
      await editPolicyFile(store, edit);
      text = lab.policy.text;
      assert.equal(lab.policy.history.filter(({ by }) => by === "api").length, 1, "written once");
    });
    return text;
  };

  it("is not made twice: an addition, a removal, on a server that formats, and with others' writes in between", async () => {
    for (const formatOnWrite of [false, true]) {
      const added = await loseAnswer(FILE, add, theirs, { formatOnWrite });
      assert.equal(added.split("peer-relay:").length, 2);
      const removed = await loseAnswer(add(FILE), removal(), theirs, { formatOnWrite });
      assert.equal(removed.split("peer-relay:").length, 1);
    }
  });

  it("leaves a grant of somebody's own that says the same, when the server formatted the file", async () => {
    const text = await loseAnswer(add(WITH_TWIN), removal(), undefined, { formatOnWrite: true });
    assert.equal(text.split("cap/relay").length, 2);
  });

  it("leaves it when others wrote in between, also when a removal is a part of an update", async () => {
    const both = { ...ours, grants: [access, relay] };
    const update: Edit = (text, retryOf) =>
      addFragment(text, { ...ours, grants: [access] }, { previous: both, retryOf });
    assert.equal(await loseAnswer(add(WITH_TWIN), removal(), theirs), theirs(WITH_TWIN));
    assert.equal(
      await loseAnswer(addFragment(WITH_TWIN, both), update, theirs),
      theirs(addFragment(WITH_TWIN, { ...ours, grants: [access] })),
    );
  });

  it("leaves it when the token expires before the write comes again", async () => {
    const expired: Fault = { ...write, kind: "status", status: 401 };
    assert.equal(
      await loseAnswer(add(WITH_TWIN), removal(), theirs, { faults: [expired] }),
      theirs(WITH_TWIN),
    );
  });

  it("takes one of two that lost their comment, when forced, and not the other", async () => {
    const twice = WITH_TWIN.replace("\t],", `\t\t${JSON.stringify(relay)},\n\t],`);
    assert.equal(await loseAnswer(twice, removal(ours, { force: true }), theirs), theirs(WITH_TWIN));
  });

  it("is known in spite of a missing ETag when the file is read again", async () => {
    await inLab(FILE, {}, async (lab, store) => {
      lab.faults.add(cutAfter);
      lab.faults.add({ ...read, kind: "delay", ms: 0 }); // the first one has its ETag
      lab.faults.add({ ...read, kind: "etag", etag: "missing" });
      await editPolicyFile(store, add);
      assert.equal(lab.policy.text, add(FILE));
    });
  });

  it("may not have been done after all: it is made then, also for a grant that had lost its comment", async () => {
    for (const [before, after] of [
      [add(FILE), FILE],
      [add(WITH_TWIN), WITH_TWIN],
      [WITH_TWIN, FILE],
    ] as const) {
      await inLab(before, {}, async (lab, store) => {
        lab.faults.add({ ...write, kind: "cut", when: "before" });
        lab.faults.add({ ...write, kind: "act", when: "before", act: () => lab.humanEdit(theirs) });
        await editPolicyFile(store, removal());
        assert.equal(lab.policy.text, theirs(after));
      });
    }
  });
});

describe("A write that was told to slow down", function () {
  it("was not done: a comment that somebody deletes until it comes again hides no grant from a removal", async () => {
    const withoutComment = (text: string) => text.replace(/.*peer-relay:.*\n/, "");
    await inLab(add(FILE), {}, async (lab, store) => {
      lab.faults.add({ ...write, kind: "rate-limit", retryAfterSeconds: 0.05 });
      lab.faults.add({ ...write, kind: "act", when: "before", act: () => lab.humanEdit(withoutComment) });
      await editPolicyFile(store, removal());
      assert.equal(lab.policy.text, FILE);
    });
  });
});

type Store = ReturnType<typeof policyFileOf>;

async function inLab(
  policy: string,
  options: { formatOnWrite?: boolean; now?: () => number },
  run: (lab: TailscaleLab, store: Store) => Promise<void>,
): Promise<void> {
  const lab = await startTailscale({ policy, ...options });
  const { clientId, clientSecret } = lab.addOAuthClient({ scopes: ["policy_file"] });
  const env = {
    TAILSCALE_BASE_URL: lab.url,
    TAILSCALE_OAUTH_CLIENT_ID: clientId,
    TAILSCALE_OAUTH_CLIENT_SECRET: clientSecret,
  };
  try {
    await run(lab, policyFileOf(connectTailnet(readCredentials(() => undefined, env))));
  } finally {
    await lab.close();
  }
}

/** The policy file's requests so far and what they were answered; 0 is a cut. */
function callsOf({ requests }: TailscaleLab): string[] {
  return requests
    .filter(({ path }) => path.includes("/acl"))
    .map(({ method, path, status }) => `${path.endsWith("/validate") ? "validate" : method} ${status}`);
}

async function addAndRemove(fault: Fault) {
  const result = { added: [""], removed: [""], history: [""], blindWrites: -1 };
  await inLab(FILE, {}, async (lab, store) => {
    lab.faults.add(fault);
    await editPolicyFile(store, add);
    result.added = callsOf(lab);
    lab.faults.add(fault);
    await editPolicyFile(store, removal());
    result.removed = callsOf(lab).slice(result.added.length);
    result.history = lab.policy.history.map(({ text }) => text);
    result.blindWrites = lab.policy.blindWrites;
  });
  return result;
}
