import assert from "node:assert/strict";
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
