import assert from "node:assert/strict";
import fc from "fast-check";
import * as jsonc from "jsonc-parser";
import { addFragment } from "../../../components/policy";
import { parseAnyPolicy } from "../../../components/policy/merge";
import { invalidFiles, validFiles } from "./support/corpus";
import { readHujson } from "./support/hujson";
import { policyText } from "./support/policies";
import { newTally, play, scenario } from "./support/scenario";
import { type Opinion, SecondOpinion } from "./support/second-opinion";
import { shapes } from "./support/shapes";

const seed = 20261125;
/** A longer hunt: PEER_RELAY_PROPERTY_RUNS=100000, each time from another seed. */
const runs = process.env.PEER_RELAY_PROPERTY_RUNS;

/** A byte order mark is the one thing that we take and Tailscale's parser does not; it has to do with what follows. */
const unmarked = (text: string): string => text.replace(/^\uFEFF/, "");

/** As the merge reads it: a value, or why not. */
function ours(text: string): Opinion {
  try {
    return { value: plain(jsonc.getNodeValue(parseAnyPolicy(text).root)) };
  } catch (error) {
    return { refusal: (error as Error).message };
  }
}

/** jsonc-parser makes objects without a prototype. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(plain);
  }
  return typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
    : value;
}

/** Why we refuse what is HuJSON for Tailscale's parser: more than it asks of a text, or no matter of the parser. */
const stricter =
  /is (ambiguous: |not a policy: |not an object|nested more |not valid Unicode|a \/\/ comment must (end with|not have))/;

const inText = (text: string): string => `{"acls": [], "x": ["${text}"]}`;
const nested = (levels: number): string => `{"x": ${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`;

/** Where one parser may well be stricter than another. */
const differences: [
  what: string,
  text: string,
  takers: "neither" | "us" | "Tailscale" | "us and Tailscale",
][] = [
  [
    "the same host twice (the last one counts)",
    '{"hosts": {"x": "10.0.0.1", "x": "10.0.0.2"}}',
    "us and Tailscale",
  ],
  ["grants twice", '{"grants": [], "grants": []}', "Tailscale"],
  ["the same tag twice", '{"tagOwners": {"tag:x": [], "tag:x": []}}', "Tailscale"],
  ["half a surrogate pair, escaped", inText("\\ud800"), "us and Tailscale"],
  ["half a surrogate pair, as it is", inText("\ud800"), "Tailscale"],
  ["half a surrogate pair in a comment", "{/*\ud800*/}", "neither"],
  ["a number beyond all that a computer can hold", '{"x": 1e999}', "us and Tailscale"],
  ["minus nothing and needless digits", '{"x": [-0, 1.50, 1E+02]}', "us and Tailscale"],
  ["digits in front that mean nothing", '{"x": 01}', "neither"],
  ["a byte order mark", "\uFEFF{}", "us"],
  ["a byte order mark further down", "{\uFEFF}", "neither"],
  ["a tab in a text", inText("\t"), "neither"],
  ["DEL and line separators in a text", inText("\u007f\u0085\u2028\u2029"), "us and Tailscale"],
  ["a line separator in a // comment", "{//\u2028\n}", "Tailscale"],
  ["a line separator in a block comment", "{/*\u2028*/}", "us and Tailscale"],
  ["other white space than JSON's", "{\u00a0}", "neither"],
  ["a carriage return alone", "{\r}", "us and Tailscale"],
  ["a carriage return alone in a // comment", "{//\r}\n}", "Tailscale"],
  ["a // comment at the end without a line feed", "{}//", "neither"],
  ["a comma alone", "{,}", "neither"],
  ["1,000 levels", nested(1000), "us and Tailscale"],
  ["1,001 levels", nested(1001), "Tailscale"],
];

describe("Tailscale's own HuJSON parser", function () {
  this.timeout(runs === undefined ? 300_000 : 0);
  let tailscale: SecondOpinion;
  const counts: string[] = [];

  before(function () {
    const started = SecondOpinion.start();
    if (!started) {
      this.skip();
    }
    tailscale = started;
  });
  after(() => {
    tailscale?.close();
    counts.forEach((line) => console.log(`    ${line}`));
  });

  it("reads the same as we in every corpus file, before and after a merge", async () => {
    let texts = 0;
    for (const { name, text } of validFiles()) {
      const owned = Object.keys((readHujson(text) as { tagOwners?: object }).tagOwners ?? {})[0];
      const wanted = shapes(owned).slice(0, text.length > 100_000 ? 3 : undefined);
      const merged = wanted.map((shape) => addFragment(text, shape.make("shop/a"), { keepAllowAll: true }));
      for (const one of [text, ...merged].map(unmarked)) {
        texts++;
        assert.deepEqual(await tailscale.of(one), ours(one), name);
      }
    }
    counts.push(`${texts} texts from the corpus`);
  });

  it("refuses what we refuse of the corpus, but for what it leaves to others to decide", async () => {
    const taken = [];
    for (const { name, text } of invalidFiles()) {
      if ("value" in (await tailscale.of(text))) {
        taken.push(name.replace(/^.*\/|\.hujson$/g, ""));
      }
    }
    assert.deepEqual(taken, [
      ...["acls-null", "acls-twice", "carriage-return-in-comment", "grants-null", "grants-object"],
      ...["grants-twice-in-other-case", "grants-twice-long-s", "grants-twice", "line-separator-in-comment"],
      ...["nested-too-deep", "root-list", "root-text", "tag-owners-list", "tag-owners-twice", "tag-twice"],
    ]);
  });

  for (const [what, text, takers] of differences) {
    it(`${what}: taken by ${takers}`, async () => {
      const [own, theirs] = [ours(text), await tailscale.of(text)];
      const taken = ["value" in own && "us", "value" in theirs && "Tailscale"].filter((who) => who !== false);
      assert.equal(taken.join(" and ") || "neither", takers);
    });
  }

  it("reads the same as we in whatever owners and people make of any file", async () => {
    let texts = 0;
    await fc.assert(
      fc.asyncProperty(scenario, async (any) => {
        const results = new Set<string>();
        play(any, newTally(), (text) => results.add(unmarked(text)));
        for (const text of results) {
          const opinion = await tailscale.of(text);
          const own = ours(text);
          if ("refusal" in own && stricter.test(own.refusal)) {
            continue;
          }
          texts++;
          assert.deepEqual(opinion, own);
        }
      }),
      { numRuns: 200, seed },
    );
    counts.push(`${texts} texts from the model`);
  });

  it("takes whatever we take of broken texts, with the same value, and refuses what we call no HuJSON", async () => {
    const seen = { both: 0, neither: 0, stricter: 0 };
    await fc.assert(
      fc.asyncProperty(brokenText, async (text) => {
        const [own, theirs] = [ours(text), await tailscale.of(text)];
        if ("value" in own) {
          assert.deepEqual(theirs, own);
          seen.both++;
        } else if ("value" in theirs) {
          assert.match(own.refusal, stricter);
          seen.stricter++;
        } else {
          seen.neither++;
        }
      }),
      runs === undefined ? { numRuns: 1500, seed } : { numRuns: Number(runs) },
    );
    counts.push(
      `${seen.both + seen.neither + seen.stricter} broken texts: ${seen.both} taken by both, ` +
        `${seen.neither} by neither, ${seen.stricter} by Tailscale's alone`,
    );
  });
});

const token = fc.constantFrom(
  ...[
    ",",
    "{",
    "}",
    "[",
    "]",
    ":",
    '"',
    "\\",
    "/",
    "//",
    "/*",
    "*/",
    "'",
    "#",
    "`",
    "_",
    "0x1",
    "01",
    "1.",
    ".5",
    "+1",
    "-",
  ],
  ...[
    "1e",
    "1E+",
    "--1",
    "0",
    "true",
    "True",
    "nul",
    "NaN",
    "Infinity",
    "undefined",
    '""',
    "{}",
    "[]",
    "\\u12",
    "\\x41",
  ],
  ...[
    "\n",
    "\r",
    "\r\n",
    "\t",
    "\v",
    "\f",
    "\b",
    "\0",
    "\u001f",
    "\u007f",
    "\u0085",
    "\u00a0",
    "\u2028",
    "\u2029",
    "\u3000",
  ],
  ...[
    "\uFEFF",
    "\uFFFE",
    "\ud800",
    "\udc00",
    "\\ud800",
    "\\udc00\\ud800",
    "\\'",
    "\\/",
    "\\v",
    "\\\n",
    "🚦",
    '"acls": [],',
  ],
);

/** A policy with a few places where something stands that may not belong there, or lacks. */
const brokenText = fc
  .tuple(
    policyText,
    fc.array(fc.tuple(fc.nat(), fc.nat(2), fc.oneof(token, fc.constant(""))), { minLength: 1, maxLength: 3 }),
  )
  .map(([text, breaks]) =>
    breaks.reduce((result, [place, length, what]) => {
      const at = place % (result.length + 1);
      return result.slice(0, at) + what + result.slice(at + length);
    }, unmarked(text)),
  )
  .filter((text) => !text.startsWith("\uFEFF"));
