import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { REPO } from "./shell";

const read = (path: string) => readFileSync(join(REPO, path), "utf8");

/** What the file's one line that matches says. */
function pin(path: string, pattern: RegExp): string | undefined {
  return pattern.exec(read(path))?.[1];
}

describe("The versions of outside tools", () => {
  const versions = Object.fromEntries(
    [...read("scripts/lib/versions.sh").matchAll(/^([A-Z_]+)=(\S+)$/gm)].map((match) => [match[1], match[2]]),
  );

  it("are the same in the set-up, the Go modules and moto's requirements", () => {
    const tools = "scripts/tools";
    assert.deepEqual(
      {
        PULUMI_VERSION: pin(
          `${tools}/pulumi/go.mod`,
          /^require github.com\/pulumi\/pulumi\/pkg\/v3 v(\S+)$/m,
        ),
        PULUMI_NODEJS_VERSION: pin(
          `${tools}/pulumi-language-nodejs/go.mod`,
          /^require github.com\/pulumi\/pulumi\/sdk\/v3 v(\S+)$/m,
        ),
        TAILSCALE_VERSION: pin(`${tools}/tailscale/go.mod`, /^require tailscale.com v(\S+)$/m),
        HEADSCALE_VERSION: pin(
          `${tools}/headscale/go.mod`,
          /^require github.com\/juanfont\/headscale v(\S+)$/m,
        ),
        HUJSON_VERSION: pin(
          "test/unit/policy/hujson/go.mod",
          /^require github.com\/tailscale\/hujson v(\S+)$/m,
        ),
        GO_MINIMUM: pin(`${tools}/tailscale/go.mod`, /^go (\S+)$/m),
        MOTO_VERSION: pin(`${tools}/moto/requirements.txt`, /^moto==(\S+)$/m),
      },
      {
        PULUMI_VERSION: versions["PULUMI_VERSION"],
        PULUMI_NODEJS_VERSION: versions["PULUMI_NODEJS_VERSION"],
        TAILSCALE_VERSION: versions["TAILSCALE_VERSION"],
        HEADSCALE_VERSION: versions["HEADSCALE_VERSION"],
        HUJSON_VERSION: versions["HUJSON_VERSION"],
        GO_MINIMUM: versions["GO_MINIMUM"],
        MOTO_VERSION: versions["MOTO_VERSION"],
      },
    );
  });

  it("are exact for every Python package", () => {
    const lines = read("scripts/tools/moto/requirements.txt").split("\n");
    const loose = lines.filter(
      (line) => line !== "" && !line.startsWith("#") && !/^[\w.-]+==[\w.]+$/.test(line),
    );
    assert.deepEqual(loose, []);
  });
});
