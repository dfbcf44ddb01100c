import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { quoteEnvValue, renderEnvFile } from "../../../components/bootstrap/env-file";
import { allCombinations, usual } from "./settings-table";

/** What a real `sh` reads from `X='...'` lines, one per value. */
function readBySh(quoted: string[]): string[] {
  const script = quoted.map((text) => `X=${text}\nprintf '%s\\n' "$X"\n`).join("");
  return execFileSync("sh", ["-eu"], { input: script, encoding: "utf8" }).split("\n").slice(0, -1);
}

const nasty = [
  "",
  " ",
  "'",
  "''",
  "it's",
  '"',
  "\\",
  "\\\\",
  "\\'",
  "'\\",
  "$HOME",
  "$(touch /tmp/owned)",
  "`id`",
  "${IFS}",
  "a;b|c&d<e>f",
  "#no comment",
  "*",
  "~",
  "!!",
  "%s%n",
  "-e",
  "x=y",
  "[2001:db8::1]:40000",
  "tag:relay,tag:größe",
  "🦀 'quoted' \"twice\" \\back",
];

describe("quoteEnvValue", () => {
  it("makes any nasty value reach sh unchanged", () => {
    assert.deepEqual(readBySh(nasty.map(quoteEnvValue)), nasty);
  });

  it("makes any text without control characters reach sh unchanged", () => {
    const piece = fc.oneof(fc.constantFrom(...nasty), fc.string({ unit: "grapheme" }));
    const text = fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join(""));
    const printable = text.filter((t) => !/[\p{Cc}\p{Cs}]/u.test(t));
    fc.assert(
      fc.property(fc.array(printable, { minLength: 1, maxLength: 60 }), (values) => {
        assert.deepEqual(readBySh(values.map(quoteEnvValue)), values);
      }),
      { numRuns: 60 },
    );
  });

  for (const bad of ["a\nb", "a\0b", "\t", "\u001b[31m", "\u007f", "\u0085", "\ud800"]) {
    it(`refuses ${JSON.stringify(bad)}, which systemd would drop`, () => {
      assert.throws(() => quoteEnvValue(bad), { name: "BootstrapError", message: /control characters/ });
    });
  }
});

describe("renderEnvFile", () => {
  it("has every key in every file, so that the script needs no defaults", () => {
    const keys = new Set(allCombinations().map((s) => renderEnvFile(s).replace(/=.*/g, "")));
    assert.deepEqual([...keys], [renderEnvFile(usual).replace(/=.*/g, "")]);
  });

  it("reads back in sh as the settings", () => {
    const script = `${renderEnvFile({ ...usual, staticEndpoints: ["203.0.113.30:40000", "[2001:db8::1]:40000"] })}
      echo "$PEER_RELAY_HOSTNAME $PEER_RELAY_PORT $PEER_RELAY_STATIC_ENDPOINTS $PEER_RELAY_TAGS $PEER_RELAY_AUTH"`;
    assert.equal(
      execFileSync("sh", ["-eu"], { input: script, encoding: "utf8" }),
      "prod-eu-relay-203-0-113-30 40000 203.0.113.30:40000,[2001:db8::1]:40000 tag:relay parameter\n",
    );
  });
});
