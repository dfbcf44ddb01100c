import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { renderHostFiles, renderUserData, USER_DATA_LIMIT } from "../../../components/bootstrap";
import { readCloudConfig } from "./cloud-config";
import { allCombinations, canWork, usual } from "./settings-table";

const combinations = allCombinations().filter(canWork);
const userData = combinations.map((settings) => renderUserData(settings));

/** cloud-init's own schema, over many files in one process: its command line takes half a second for each. */
const schemaCheck = `
import sys, yaml
from cloudinit.config.schema import get_schema, validate_cloudconfig_schema
schema = get_schema()
for path in sys.argv[1:]:
    config = yaml.load(open(path), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    try:
        validate_cloudconfig_schema(config, schema=schema, strict=True)
    except Exception as e:
        print(path, e)
`;

/** The python that cloud-init itself runs with; its module is not there for another one. */
function cloudInitPython(): string {
  const path = execFileSync("sh", ["-c", "command -v cloud-init"], { encoding: "utf8" }).trim();
  return readFileSync(path, "utf8")
    .split("\n")[0]!
    .replace(/^#!\s*/, "")
    .split(" ")[0]!;
}

describe("what is rendered", () => {
  const directory = mkdtempSync(join(tmpdir(), "peer-relay-rendered-"));
  after(() => rmSync(directory, { recursive: true }));

  it("is the same files through cloud-init as over SSH, for every combination of options", () => {
    for (const [i, settings] of combinations.entries()) {
      assert.deepEqual(readCloudConfig(userData[i]!), {
        files: renderHostFiles(settings),
        runcmd: [
          ["systemctl", "daemon-reload"],
          ["systemctl", "enable", "--now", "--no-block", "peer-relay.service", "peer-relay-health.timer"],
        ],
      });
    }
  }).timeout(60_000);

  it("differs between hosts in the env file alone", () => {
    const scripts = new Set(
      combinations.map((settings) =>
        JSON.stringify(renderHostFiles(settings).filter((file) => file.path !== "/etc/peer-relay/relay.env")),
      ),
    );
    assert.equal(scripts.size, 1);
  });

  it("leaves at least a kilobyte of EC2's limit to the settings", () => {
    const largest = Math.max(...userData.map((text) => Buffer.byteLength(text)));
    assert.ok(largest <= USER_DATA_LIMIT - 1024, `${largest} bytes`);
  });

  it("passes sh -n and shellcheck without a single remark", () => {
    const script = renderHostFiles(usual).find((file) => file.path.endsWith("/bootstrap"))!.content;
    const parsed = spawnSync("sh", ["-n"], { input: script, encoding: "utf8" });
    const checked = spawnSync("shellcheck", ["-s", "sh", "-f", "gcc", "-"], {
      input: script,
      encoding: "utf8",
    });
    assert.deepEqual([parsed.stderr, parsed.status, checked.stdout, checked.status], ["", 0, "", 0]);
  }).timeout(60_000);

  it("has env files that sh reads as they were meant, for every combination of options", () => {
    const fileOf = (i: number): string => renderHostFiles(combinations[i]!)[0]!.content;
    const script = combinations.map(
      (_, i) => `${fileOf(i)}echo "$PEER_RELAY_TAGS|$PEER_RELAY_STATIC_ENDPOINTS|$PEER_RELAY_LOGIN_SERVER"`,
    );
    assert.deepEqual(
      execFileSync("sh", ["-eu"], { input: script.join("\n"), encoding: "utf8" })
        .trimEnd()
        .split("\n"),
      combinations.map((s) => [s.tags.join(","), s.staticEndpoints.join(","), s.loginServer ?? ""].join("|")),
    );
  });

  it("satisfies cloud-init's schema, for every combination of options", () => {
    const paths = userData.map((text, i) => {
      const path = join(directory, `${i}.yaml`);
      writeFileSync(path, text);
      return path;
    });
    const whole = spawnSync("cloud-init", ["schema", "--config-file", paths[0]!], { encoding: "utf8" });
    assert.deepEqual([whole.stdout.trim(), whole.status], [`Valid cloud-config: ${paths[0]}`, 0]);
    const each = spawnSync(cloudInitPython(), ["-c", schemaCheck, ...paths], { encoding: "utf8" });
    assert.deepEqual([each.stdout, each.stderr, each.status], ["", "", 0]);
  }).timeout(120_000);

  it("is refused by the same schema check when a key is misspelt", () => {
    const path = join(directory, "misspelt.yaml");
    writeFileSync(path, renderUserData(usual).replace("permissions:", "permission:"));
    const done = spawnSync(cloudInitPython(), ["-c", schemaCheck, path], { encoding: "utf8" });
    assert.match(done.stdout, /'permission' was unexpected/);
  }).timeout(30_000);
});
