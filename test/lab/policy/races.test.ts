import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import {
  addFragment,
  editPolicyFile,
  type Grant,
  type PolicyFragment,
  removeFragment,
} from "../../../components/policy";
import { connectTailnet } from "../../../components/tailnet/client";
import { readCredentials } from "../../../components/tailnet/credentials";
import { policyFileOf } from "../../../components/tailnet/policy-file";
import { type FaultKind, startTailscale, type TailscaleLab } from "../../../lab/tailscale";
import { cutSpans, readHujson, tokens } from "../../unit/policy/support/hujson";

const WRITERS = 32;
const SEED = 20;
/** A request here takes a fifth or less of what it takes over the internet: so do the waits between attempts. */
const WAIT_SCALE = 0.2;
/** Of a hundred requests, how many meet a fault. */
const FAULT_PERCENT = 7;

/** A grant that a stack has, and somebody else too, in the very same words. */
const twinOf = (stack: number): Grant => ({
  src: ["autogroup:member"],
  dst: ["tag:ci"],
  ip: [`tcp:${20000 + stack}`],
});

const START = `// The tailnet of a company, edited by hand and by 32 stacks.
{
	"groups": {
		"group:eng": ["alice@example.com"],
		// end of groups
	},
	"tagOwners": {"tag:ci": ["autogroup:admin"]}, /* note 0 */
	"grants": [
		{"src": ["*"], "dst": ["*"],   "ip": ["*"]}, // as it was
${Array.from({ length: WRITERS }, (_, i) => `\t\t${JSON.stringify(twinOf(i))},\n`).join("")}\t\t// end of grants
	],
}
`;

/** Every change that was reported as done is in the file, and whatever is not ours is there to the byte. */
describe("32 stacks and a human write one policy file, and much goes wrong", function () {
  this.timeout(240_000);

  for (const { formatOnWrite, rounds } of [
    { formatOnWrite: false, rounds: 20 },
    { formatOnWrite: true, rounds: 5 },
  ]) {
    const how = formatOnWrite ? "that formats what it is given, by value and comments" : "to the byte";
    it(`nothing is lost, on a server ${how}`, async function () {
      const race = await startRace(formatOnWrite);
      try {
        const writers = Array.from({ length: WRITERS }, (_, i) => new Writer(race, i));
        const human = startHuman(race);
        await Promise.all(writers.map((writer) => writer.run(rounds))).finally(human.stop);
        const { policy } = race.lab;
        const foreign = formatOnWrite ? meaning : (text: string) => text;
        const shadows = [START, ...human.shadows];
        for (const { text, by } of policy.history) {
          if (by === "human") shadows.shift();
          assert.deepEqual(foreign(cutSpans(text)), foreign(shadows[0] ?? ""));
        }
        race.lab.faults.clear();
        for (const writer of writers) await writer.leave();
        assert.deepEqual(foreign(policy.text), foreign(human.shadows.at(-1) ?? START));
        assert.equal(policy.blindWrites, 0);
        const { calls, changes } = race;
        const mean = calls.reduce((a, b) => a + b, 0) / calls.length;
        const summary = {
          changes,
          human: human.shadows.length,
          revisions: policy.history.length,
          refused: race.refused,
          faults: { ...race.faults, "token expired": expiredTokens(race.lab) },
          calls: { mean: Math.round(mean * 10) / 10, max: Math.max(...calls) },
        };
        console.log(`      ${JSON.stringify(summary)}`);
        assert.ok(mean < 40 && Math.max(...calls) < 400, JSON.stringify(summary.calls));
      } finally {
        await race.lab.close();
      }
    });
  }
});

function expiredTokens({ requests }: TailscaleLab): number {
  return requests.filter(({ status }) => status === 401).length;
}

/** Value and comments: what a formatter leaves. */
function meaning(text: string): unknown {
  const comments = tokens(text).filter(({ type }) => type === "comment");
  return [readHujson(text), comments.map(({ offset, end }) => text.slice(offset, end))];
}

interface Race {
  lab: TailscaleLab;
  random: () => number;
  changes: { add: number; change: number; remove: number };
  /** Requests on the wire, for each change. */
  calls: number[];
  refused: Record<string, number>;
  faults: Record<string, number>;
}

async function startRace(formatOnWrite: boolean): Promise<Race> {
  const random = randomFrom(SEED);
  const lab = await startTailscale({ policy: START, formatOnWrite, tokenLifetimeSeconds: 10 });
  const changes = { add: 0, change: 0, remove: 0 };
  const race: Race = { lab, random, changes, calls: [], refused: {}, faults: {} };
  lab.faults.byChance = (method, path) => {
    if (random() * 100 >= FAULT_PERCENT) return undefined;
    const kinds = faultsOf(method, path);
    const [name, fault] = kinds[Math.floor(random() * kinds.length)] ?? assert.fail();
    race.faults[name] = (race.faults[name] ?? 0) + 1;
    return fault;
  };
  return race;
}

/** What may go wrong with a request, by name. */
function faultsOf(method: string, path: string): [string, FaultKind][] {
  const anywhere: [string, FaultKind][] = [
    ["429", { kind: "rate-limit", retryAfterSeconds: 0.2 }],
    ["500", { kind: "status", status: 500 }],
    ["502 with HTML", { kind: "html", status: 502 }],
    ["cut before", { kind: "cut", when: "before" }],
    ["cut after", { kind: "cut", when: "after" }],
    ["slow", { kind: "delay", ms: 300 }],
  ];
  if (!path.endsWith("/acl")) return anywhere;
  const here: [string, FaultKind][] =
    method === "GET"
      ? [
          ["no ETag", { kind: "etag", etag: "missing" }],
          ["weak ETag", { kind: "etag", etag: "weak" }],
        ]
      : [
          ["412", { kind: "status", status: 412, message: "precondition failed, invalid old hash" }],
          ["500 after the write", { kind: "status", status: 500, when: "after" }],
          ["502 with HTML after the write", { kind: "html", status: 502, when: "after" }],
        ];
  return [...anywhere, ...here, ...here];
}

/** One stack: its part of the file, and how it gets there. */
class Writer {
  private readonly owner: string;
  private readonly store;
  private fragment: PolicyFragment | undefined;

  constructor(
    private readonly race: Race,
    private readonly number: number,
  ) {
    this.owner = `race/stack-${number}/relay`;
    const { clientId, clientSecret } = race.lab.addOAuthClient({ scopes: ["policy_file"] });
    const env = {
      TAILSCALE_BASE_URL: race.lab.url,
      TAILSCALE_OAUTH_CLIENT_ID: clientId,
      TAILSCALE_OAUTH_CLIENT_SECRET: clientSecret,
    };
    this.store = policyFileOf(connectTailnet(readCredentials(() => undefined, env)));
  }

  async run(rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      if (this.fragment && this.race.random() < 0.4) await this.leave();
      else await this.change(this.newFragment(round));
    }
  }

  async leave(): Promise<void> {
    if (this.fragment) await this.change(undefined);
  }

  private newFragment(round: number): PolicyFragment {
    const { random } = this.race;
    const tag = `tag:w${this.number}`;
    const tags = random() < 0.3 ? [tag, "tag:shared"] : [tag];
    const grants = Array.from({ length: 1 + Math.floor(random() * 3) }, (_, i): Grant => {
      const port = 1000 + this.number * 100 + round * 3 + i;
      return { src: ["autogroup:member"], dst: [tag], ip: [`tcp:${port}`] };
    });
    if (random() < 0.5) grants.push(twinOf(this.number));
    return {
      owner: this.owner,
      grants,
      tagOwners: Object.fromEntries(tags.map((t) => [t, ["autogroup:admin"]])),
    };
  }

  /** Until it is reported as done; a refusal must have left our part as it was. */
  private async change(next: PolicyFragment | undefined): Promise<void> {
    const previous = this.fragment;
    const edit = (text: string, retryOf?: string): string =>
      next
        ? addFragment(text, next, { previous, retryOf })
        : removeFragment(text, previous ?? assert.fail(), { retryOf });
    const options = { sleep: (ms: number) => sleep(ms * WAIT_SCALE), random: this.race.random };
    const counter = { calls: 0 };
    for (let tries = 1; ; tries++) {
      try {
        await counted.run(counter, () => editPolicyFile(this.store, edit, options));
        break;
      } catch (error) {
        const { code, message } = error as { code?: string; message: string };
        assert.ok((code === "no-etag" || code === "conflict") && tries < 10, message);
        this.race.refused[code] = (this.race.refused[code] ?? 0) + 1;
        this.assertInFile(previous);
      }
    }
    this.race.calls.push(counter.calls);
    this.race.changes[next ? (previous ? "change" : "add") : "remove"]++;
    this.fragment = next;
    this.assertInFile(next);
  }

  private assertInFile(fragment: PolicyFragment | undefined): void {
    const { text } = this.race.lab.policy;
    const { grants, tagOwners } = readHujson(text) as { grants: Grant[]; tagOwners: object };
    const tag = `tag:w${this.number}`;
    assert.deepEqual(
      {
        grants: grants
          .filter(({ dst }) => dst.includes(tag))
          .map(({ ip }) => ip?.[0])
          .sort(),
        owned: tag in tagOwners,
        markers: text.split(`peer-relay: ${this.owner} `).length - 1,
      },
      {
        grants: fragment?.grants.filter(({ dst }) => dst.includes(tag)).map(({ ip }) => ip?.[0]) ?? [],
        owned: fragment !== undefined,
        markers: fragment ? fragment.grants.length + Object.keys(fragment.tagOwners).length : 0,
      },
    );
  }
}

/** Somebody edits the file in the admin console all the time; `shadows`: what the file would be without any stack. */
function startHuman({ lab, random }: Race) {
  const shadows: string[] = [];
  let stopped = false;
  const run = async () => {
    for (let n = 1; !stopped; n++) {
      const edit = humanEdits[Math.floor(random() * humanEdits.length)] ?? assert.fail();
      const shadow = edit(shadows.at(-1) ?? START, n);
      await lab.humanEdit((text) => edit(text, n));
      shadows.push(shadow);
      await sleep(200 + random() * 800);
    }
  };
  const done = run();
  return { shadows, stop: () => ((stopped = true), done) };
}

const humanEdits = [
  (text: string, n: number) =>
    text.replace(
      /^.*\/\/ end of grants/m,
      (line) => `\t\t{"src":["group:eng"], "dst":["10.0.0.${n % 250}"], "ip":["*"]}, // by hand\n${line}`,
    ),
  (text: string) => text.replace(/^[ \t]*\{[^{}]*\},[ \t]*\/\/ by hand\n/m, ""),
  (text: string, n: number) => text.replace(/\/\* note \d+ \*\//, `/* note ${n} */`),
  (text: string, n: number) => text.replace("// end of groups", (end) => `"group:g${n}": [],\n\n  ${end}`),
];

/** Requests on the wire, each under the change that it is made for. */
const counted = new AsyncLocalStorage<{ calls: number }>();
const realFetch = globalThis.fetch;
before(() => {
  globalThis.fetch = (...args) => {
    const counter = counted.getStore();
    if (counter) counter.calls++;
    return realFetch(...args);
  };
});
after(() => {
  globalThis.fetch = realFetch;
});

/** Mulberry32: the same numbers in every run, 0 up to 1. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
