import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CredentialsError, readCredentials } from "../../../components/tailnet/credentials";

const read = (config: Record<string, string>, env: Record<string, string> = {}) =>
  Object.fromEntries(
    Object.entries(readCredentials((key) => config[key], env)).filter(([, value]) => value !== undefined),
  );

describe("Tailscale credentials", () => {
  it("come from the stack's config first, then from the environment", () => {
    assert.deepEqual(
      read({ apiKey: "from-config" }, { TAILSCALE_API_KEY: "from-env", TAILSCALE_TAILNET: "example.com" }),
      { baseUrl: "https://api.tailscale.com", tailnet: "example.com", apiKey: "from-config" },
    );
  });

  it("may be an OAuth client, with scopes as Pulumi writes a list", () => {
    assert.deepEqual(
      read({
        oauthClientId: "id",
        oauthClientSecret: "s",
        scopes: '["policy_file","devices:core"]',
        baseUrl: "http://h/",
      }),
      {
        baseUrl: "http://h",
        tailnet: "-",
        oauthClientId: "id",
        oauthClientSecret: "s",
        scopes: ["policy_file", "devices:core"],
      },
    );
  });

  it("may be an identity token, also from a variable that config names", () => {
    assert.equal(
      read({ oauthClientId: "id", identityTokenEnvironmentVariableName: "MY_TOKEN" }, { MY_TOKEN: "jwt" })
        .identityToken,
      "jwt",
    );
  });

  it("may be in files, as the provider reads them", () => {
    const directory = mkdtempSync(join(tmpdir(), "credentials-"));
    try {
      const file = (name: string, content: string) => {
        writeFileSync(join(directory, name), content);
        return `file:${join(directory, name)}`;
      };
      const config = { oauthClientId: file("id", "kEXAMPLE\n"), identityTokenEnvironmentVariableName: "MY" };
      const { oauthClientId, identityToken } = read(config, { MY: file("token", "a.b.c\n") });
      assert.deepEqual([oauthClientId, identityToken], ["kEXAMPLE", "a.b.c"]);
      assert.throws(
        () => read({ apiKey: `file:${directory}/none` }),
        /^CredentialsError: tailscale:apiKey must be readable, got file:\S+\/none: ENOENT/,
      );
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("can't be an audience alone, and the error names what works instead", () => {
    for (const [config, env] of [
      [{ audience: "api.tailscale.com/x", oauthClientId: "x" }, {}],
      [{ oauthClientId: "x" }, { TAILSCALE_AUDIENCE: "api.tailscale.com/x" }],
    ] as const) {
      assert.throws(
        () => read(config, env),
        /^CredentialsError: tailscale:audience .*set tailscale:identityToken/,
      );
    }
    const { apiKey } = read({ audience: "a", apiKey: "key" });
    assert.equal(apiKey, "key");
  });

  it("are missed with the names of what to set", () => {
    for (const config of [{}, { oauthClientId: "id" }, { oauthClientSecret: "s" }] as Record<
      string,
      string
    >[]) {
      assert.throws(() => read(config), CredentialsError);
    }
    assert.throws(() => read({}), /tailscale:apiKey .*TAILSCALE_API_KEY.*TAILSCALE_OAUTH_CLIENT_SECRET/);
  });
});
