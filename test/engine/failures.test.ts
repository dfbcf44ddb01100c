import assert from "node:assert/strict";
import { addFragment } from "../../components";
import { Lab, makeStack, setConfig, Stack, startLab } from "../../lab";
import { leftovers } from "../../lab/aws";
import { destroy, fails, stateOf, up } from "./support";

const REGION = "eu-central-1";
const POLICY = `{
  // one of ours
  "tagOwners": {"tag:ci": ["autogroup:admin"]},
  "grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}]
}
`;

/** Each failure must say what a user can do, and leave a stack that the next command can go on with. */
describe("An up that fails", function () {
  this.timeout(180_000);
  let lab: Lab;
  let stack: Stack;
  const config = (more: Record<string, unknown> = {}) => ({
    "aws:region": REGION,
    "peer-relay:clients": ["autogroup:member"],
    "peer-relay:relays": 1,
    "peer-relay:ssmEndpoint": lab.aws.endpoint,
    "peer-relay:readyTimeoutSeconds": 30,
    ...more,
  });
  const start = async (name: string, more: Record<string, unknown> = {}, policy = POLICY) => {
    lab = await startLab({ policy });
    stack = await makeStack(lab.engine, name, config(more));
  };
  const failingUp = () => fails(lab, stack, "up", "--yes", "--skip-preview");
  const nothingLeft = async (policy = POLICY) => {
    assert.equal(lab.tailscale.policy.text, policy);
    assert.deepEqual(await lab.tailscale.devices(), []);
    assert.deepEqual(await leftovers(lab.aws, REGION), []);
  };

  afterEach(() => lab?.close());

  it("for bad config names every key and the file, before anything exists", async () => {
    await start("dev-bad", {
      "peer-relay:port": 22,
      "peer-relay:tags": ["relay"],
      "peer-relay:instanceType": "big",
      "peer-relay:prot": 40000,
      "peer-relay:relays": "many",
      "peer-relay:subnetIds": ["subnet-1", 5],
    });
    const output = await failingUp();
    assert.match(output, /infra\/stacks\/Pulumi\.dev-bad\.yaml:/);
    assert.match(output, /peer-relay:port must be 1024 to 65535, got 22/);
    assert.match(output, /peer-relay:tags\[0\] must be like "tag:relay".*got "relay"/);
    assert.match(output, /peer-relay:instanceType must be like "t4g.small", got "big"/);
    assert.match(output, /peer-relay:prot is not known/);
    assert.match(output, /peer-relay:relays must be a number, got "many"/);
    assert.match(output, /peer-relay:subnetIds\[1\] must be like "subnet-0abc", got 5/);
    assert.doesNotMatch(output, /unhandled exception|at Object/);
    const made = [...stateOf(lab, stack).values()].map((resource) => resource.type);
    assert.deepEqual(made, ["pulumi:pulumi:Stack"]);
    await nothingLeft();
  });

  it("for a wrong API key says so, and works once it is right", async () => {
    await start("dev-key", { "tailscale:apiKey": "tskey-api-WRONG" });
    const output = await failingUp();
    assert.match(output, /Tailscale API: GET .*: 401: /);
    assert.equal(lab.tailscale.policy.text, POLICY);
    setConfig(stack, { "tailscale:apiKey": undefined });
    await up(lab, stack);
    await destroy(lab, stack);
    await nothingLeft();
  });

  it("for a tag that the OAuth client may not use says which owner to add", async () => {
    await start("dev-tag");
    const { clientId, clientSecret } = lab.tailscale.addOAuthClient({
      scopes: ["policy_file", "auth_keys", "devices:core"],
      tags: ["tag:ci"],
    });
    // The lab's admin key comes from the environment; a stack's config goes first, and the API key before OAuth.
    delete lab.engine.env.TAILSCALE_API_KEY;
    setConfig(stack, { "tailscale:oauthClientId": clientId });
    lab.engine.env.TAILSCALE_OAUTH_CLIENT_SECRET = clientSecret;
    const output = await failingUp();
    assert.match(output, /requested tags \[tag:relay-dev-tag\] are invalid or not permitted/);
    assert.match(output, /name the client's tag in tagOwners \(now autogroup:admin\)/);
    setConfig(stack, { "peer-relay:tagOwners": ["tag:ci"] });
    await up(lab, stack);
    await destroy(lab, stack);
    await nothingLeft();
  });

  it("for a client whose tag nobody owns says so before there is a key or a VM", async () => {
    await start("dev-client", { "peer-relay:clients": ["tag:nobody"] });
    const output = await failingUp();
    assert.match(output, /Tailscale refused the policy: .*tag:nobody/);
    assert.deepEqual(await lab.tailscale.keys(), []);
    assert.equal(stateOf(lab, stack).has("relay-1-vm"), false);
    await destroy(lab, stack);
    await nothingLeft();
  });

  it("for an untagged relay, too, whose address is not known yet", async () => {
    await start("dev-untagged", { "peer-relay:tags": [], "peer-relay:clients": ["tag:nobody"] });
    assert.match(await failingUp(), /Tailscale refused the policy: .*tag:nobody/);
    assert.equal(stateOf(lab, stack).has("relay-1-vm"), false);
    await destroy(lab, stack);
    await nothingLeft();
  });

  it("for a device that never comes online names the instance and its console, and destroy cleans up", async () => {
    await start("dev-never");
    lab.instances.faults.neverBoots = true;
    const output = await failingUp();
    assert.match(
      output,
      /relay not ready after 30 s: no device named dev-never-relay-1-[\d-]+ has joined the tailnet/,
    );
    assert.match(
      output,
      /aws ec2 get-console-output --latest --output text --region eu-central-1 --instance-id i-/,
    );
    assert.equal(
      lab.tailscale.policy.text.includes("cap/relay"),
      false,
      "no grant for a relay that does not serve",
    );
    await destroy(lab, stack);
    await nothingLeft();
  });

  it("for a device that comes online late ends well with the next up", async () => {
    await start("dev-late");
    lab.instances.faults.neverBoots = true;
    await failingUp();
    lab.instances.faults.neverBoots = false;
    await up(lab, stack, "--refresh");
    await destroy(lab, stack);
    await nothingLeft();
  });

  it("on a policy that allows everything stops before anything is locked out, and goes on when told how", async () => {
    const open = '{\n  // everything is allowed here\n  "tagOwners": {},\n}\n';
    await start("dev-open", {}, open);
    const output = await failingUp();
    assert.match(output, /neither .*acls.* nor .*grants/);
    assert.equal(lab.tailscale.policy.text.includes("grants"), false);
    assert.equal(stateOf(lab, stack).has("relay-1-vm"), false, "it stops before there is a VM");
    setConfig(stack, { "peer-relay:keepAllowAll": true });
    await up(lab, stack);
    assert.match(lab.tailscale.policy.text, /"ip":\s*\["\*"\]/);
    await destroy(lab, stack);
    await nothingLeft(open);
  });

  it("for a policy file that is managed externally says where, and destroy takes ours out all the same", async () => {
    await start("dev-gitops", { "peer-relay:relays": 1 });
    const managed = (on: boolean) => {
      lab.tailscale.settings.aclsExternallyManagedOn = on;
      lab.tailscale.settings.aclsExternalLink = "https://git.example.com/acl";
    };
    managed(true);
    assert.match(
      await failingUp(),
      /managed externally \(https:\/\/git\.example\.com\/acl\).*policy: "emit"/,
    );
    assert.equal(lab.tailscale.policy.text, POLICY);
    managed(false);
    await up(lab, stack);
    managed(true);
    await destroy(lab, stack);
    await nothingLeft();
  });

  it("because another stack has its name in the policy file leaves that one's part alone", async () => {
    const theirs = addFragment(POLICY, {
      owner: "peer-relay/dev-taken/relay-1",
      grants: [{ src: ["tag:ci"], dst: ["tag:ci"], app: { "tailscale.com/cap/relay": [{}] } }],
      tagOwners: {},
    });
    await start("dev-taken", {}, theirs);
    const output = await failingUp();
    assert.match(output, /must be unique in a tailnet/);
    assert.equal(lab.tailscale.policy.text.includes('"tag:ci"'), true);
    await destroy(lab, stack);
    await nothingLeft(theirs);
  });

  it("by SIGINT in the middle can be destroyed, and leaves nothing", async () => {
    await start("dev-interrupt");
    lab.instances.faults.neverBoots = true;
    let interrupted = false;
    const running = lab.engine.start(stack, ["up", "--yes", "--skip-preview"], (text) => {
      if (interrupted || !/relay-1-device creating/.test(text)) return;
      interrupted = true;
      running.child.kill("SIGINT");
      // The engine waits for what is under way; a second signal ends it at once, as an impatient user does.
      setTimeout(() => running.child.kill("SIGINT"), 1_000);
    });
    const { code, output } = await running.done;
    assert.ok(interrupted, output);
    assert.notEqual(code, 0);
    await destroy(lab, stack);
    await nothingLeft();
  });
});
