import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DescribeInstanceAttributeCommand } from "@aws-sdk/client-ec2";
import { GetParametersCommand } from "@aws-sdk/client-ssm";
import { Lab, makeStack, outputsOf, Stack, startLab } from "../../lab";
import { destroy, ec2, ok, ssm, stateText, up } from "./support";

const REGION = "us-east-1";
const POLICY =
  '{"tagOwners": {"tag:ci": ["autogroup:admin"]}, "grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}]}\n';

/** At -v=9 and more Pulumi itself prints the value of every secret (README, Credentials). */
const VERBOSE = ["--debug", "--logtostderr", "-v=8", "--logflow"];

/** Does something and gives the command lines of all processes that this machine had meanwhile. */
async function processesDuring(something: () => Promise<void>): Promise<string> {
  const seen = new Set<string>();
  const look = () => {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      try {
        seen.add(readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " "));
      } catch {
        // It ended in between.
      }
    }
  };
  const timer = setInterval(look, 20);
  try {
    await something();
  } finally {
    clearInterval(timer);
  }
  return [...seen].join("\n");
}

/** Every file under a directory, as one text. */
function filesUnder(directory: string): string {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath ?? entry.path, entry.name), "latin1"))
    .join("\n");
}

describe("A secret planted as each kind of auth", function () {
  this.timeout(180_000);
  let lab: Lab;

  before(async () => {
    lab = await startLab({ policy: POLICY });
  });
  after(() => lab?.close());

  const LOGS = "the engine's most detailed log";

  /** Runs up and destroy, and gives every place where the secret must not be; with `flags`, the log is one of them. */
  async function hunt(
    stack: Stack,
    ...flags: string[]
  ): Promise<{ secret: string; places: Record<string, string> }> {
    let output = "";
    const processes = await processesDuring(async () => {
      output = (await up(lab, stack, ...flags)).output;
    });
    assert.match(processes, /pulumi .*up --yes/, "the watch saw the engine run");
    const [relay] = (await outputsOf(lab.engine, stack)).relays as { instanceId: string }[];
    const userData = await ec2(lab, REGION).send(
      new DescribeInstanceAttributeCommand({ InstanceId: relay!.instanceId, Attribute: "userData" }),
    );
    const plain = Buffer.from(userData.UserData?.Value ?? "", "base64").toString();
    assert.match(plain, /^#cloud-config/, "the user data that is searched is the real one");
    const parameter = await ssm(lab, REGION).send(
      new GetParametersCommand({
        Names: [`/peer-relay/peer-relay/${stack.name}/relay-1`],
        WithDecryption: true,
      }),
    );
    const places = {
      [flags.length > 0 ? LOGS : "the engine's console"]: output,
      "user data as EC2 stores it": plain,
      "the state file": stateText(lab, stack),
      "every file of the backend and the stacks":
        filesUnder(join(lab.dir, "state")) + filesUnder(join(lab.dir, "stacks")),
      "the instance's console": lab.instances.consoleOutput(relay!.instanceId).join("\n"),
      "the policy file": lab.tailscale.policy.text,
      "process arguments": processes,
    };
    await destroy(lab, stack);
    return { secret: parameter.Parameters?.[0]?.Value ?? "", places };
  }

  const foundIn = (secret: string, places: Record<string, string>) =>
    Object.keys(places).filter(
      (place) => places[place]!.includes(secret) || places[place]!.includes(encodeURIComponent(secret)),
    );

  const config = (more: Record<string, unknown> = {}) => ({
    "aws:region": REGION,
    "peer-relay:relays": 1,
    "peer-relay:clients": ["autogroup:member"],
    "peer-relay:ssmEndpoint": lab.aws.endpoint,
    "peer-relay:readyTimeoutSeconds": 60,
    ...more,
  });

  /** Sets a secret as a user does, encrypted in the stack's config file. */
  const setSecret = (stack: Stack, key: string, value: string) =>
    ok(lab, stack, "config", "set", "--secret", key, value);

  it("minted by the stack: is in the parameter and nowhere else", async () => {
    const stack = await makeStack(lab.engine, "secret-minted", config());
    const { secret, places } = await hunt(stack);
    assert.match(secret, /^tskey-auth-/);
    assert.deepEqual(foundIn(secret, places), []);
  });

  it("minted by the stack: in logs of debugging, which Pulumi does not redact, it is spent", async () => {
    const stack = await makeStack(lab.engine, "secret-logs", config());
    const { secret, places } = await hunt(stack, ...VERBOSE);
    assert.deepEqual(
      foundIn(secret, places),
      [LOGS],
      "Pulumi redacts it now? Then README, Credentials, is out of date",
    );
    const key = (await lab.tailscale.keys()).find(({ id }) => secret.includes(id))!;
    assert.deepEqual([key.rights.reusable, key.uses], [false, 1]);
  });

  it("an auth key of the user's: is in the parameter and nowhere else", async () => {
    await lab.tailscale.humanEdit((text) =>
      text.replace('"tag:ci"', '"tag:relay-secret-key": ["autogroup:admin"], "tag:ci"'),
    );
    const made = await fetch(`${lab.tailscale.url}/api/v2/tailnet/-/keys`, {
      method: "POST",
      headers: { authorization: `Bearer ${lab.tailscale.apiKey}`, "content-type": "application/json" },
      body: JSON.stringify({
        capabilities: { devices: { create: { preauthorized: true, tags: ["tag:relay-secret-key"] } } },
      }),
    });
    const { key } = (await made.json()) as { key: string };
    const stack = await makeStack(lab.engine, "secret-key", config());
    await setSecret(stack, "peer-relay:authKey", key);
    const { secret, places } = await hunt(stack, ...VERBOSE);
    assert.equal(secret, key);
    assert.deepEqual(foundIn(secret, places), []);
  });

  it("an OAuth client's secret: is in the parameter and nowhere else", async () => {
    const { clientSecret } = lab.tailscale.addOAuthClient({ scopes: ["auth_keys"], tags: ["tag:ci"] });
    const stack = await makeStack(lab.engine, "secret-oauth", config({ "peer-relay:tagOwners": ["tag:ci"] }));
    await setSecret(stack, "peer-relay:oauthClientSecret", clientSecret);
    const { secret, places } = await hunt(stack, ...VERBOSE);
    assert.equal(secret, clientSecret);
    assert.deepEqual(foundIn(secret, places), []);
  });

  it("workload identity: has no secret at all, and no parameter", async () => {
    const { clientId, audience } = lab.tailscale.addFederatedIdentity({
      scopes: ["auth_keys"],
      tags: ["tag:ci"],
    });
    const stack = await makeStack(
      lab.engine,
      "secret-none",
      config({ "peer-relay:tagOwners": ["tag:ci"], "peer-relay:workloadIdentity": { clientId, audience } }),
    );
    const { secret, places } = await hunt(stack, ...VERBOSE);
    assert.equal(secret, "", "there is no parameter");
    assert.deepEqual(foundIn("tskey-", places), []);
  });

  it("the API key of the operator is in none of the state files", () => {
    const text = filesUnder(join(lab.dir, "state")) + filesUnder(join(lab.dir, "stacks"));
    assert.equal(text.includes(lab.tailscale.apiKey), false);
    assert.equal(text.includes("peer-relay"), true);
  });
});
