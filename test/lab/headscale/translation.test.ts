import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { addFragment, relayPolicyFragment } from "../../../components";
import { translatePolicy, translationCases, type People } from "../../../lab/headscale";
import { checkPolicy, startTailscale, type TailscaleLab } from "../../../lab/tailscale";
import { validFiles } from "../../unit/policy/support/corpus";
import { call } from "../tailscale/api";
import { startNode } from "./node";
import { table } from "./translation-table";
import { startWorld, type World } from "./world";

const people: People = { admin: "alice@example.com", members: ["alice@example.com", "bob@example.org"] };

/** Why a policy is not taken; undefined when it is. */
async function refusal(take: () => unknown): Promise<string | undefined> {
  try {
    await take();
    return undefined;
  } catch (error) {
    return (error as Error).message.split("\n")[0];
  }
}

describe("a policy said to headscale", () => {
  let world: World;

  before(async () => {
    world = await startWorld([...people.members]);
    // headscale looks closer at a policy when there is a node that it applies to.
    const key = await world.headscale.createClientKey({ user: "bob@example.org" });
    const joined = await startNode(world, "client").up(key);
    assert.deepEqual(joined, { code: 0, output: "" });
  });
  after(() => world.close());

  for (const row of table) {
    const cases = [...new Set(row.cases)].sort();
    it(`${cases.join(", ") || "nothing to translate"}: ${JSON.stringify(row.policy).slice(0, 60)}`, async () => {
      const text = JSON.stringify(row.policy);
      checkPolicy(text);
      if (row.headscale instanceof RegExp) {
        assert.match((await refusal(() => translatePolicy(text, people))) ?? "", row.headscale);
        return;
      }
      const got = translatePolicy(text, people);
      assert.deepEqual(
        [JSON.parse(got.policy), [...new Set(got.cases.map((c) => c.name))].sort()],
        [row.headscale, cases],
      );
      assert.equal(await refusal(() => world.headscale.api.checkPolicy(got.policy)), undefined);
    });
  }

  it("has a row above for each case in the list", () => {
    assert.deepEqual(
      [...new Set(table.flatMap((row) => row.cases))].sort(),
      Object.keys(translationCases).sort(),
    );
  });

  describe("keeps a relay's grant unchanged in the policy of", () => {
    const fragment = relayPolicyFragment({
      ...{ owner: "lab/corpus/relay", clients: ["*"], relay: ["tag:relay-lab"], ipAccess: ["*"] },
      tagOwners: { "tag:relay-lab": ["alice@example.com"] },
    });
    let lab: TailscaleLab;

    before(async () => {
      lab = await startTailscale({ policy: '{"grants": []}', control: world.headscale.control });
    });
    after(() => lab.close());

    /** Files with what the translation refuses, and where it is (after the relay's two grants); all others are taken. */
    const refused: Record<string, string> = {
      "075-simplyminimal-grants-example-policy.hujson": "grants[10].srcPosture",
      "077-simplyminimal-tailscale-network-topology-map.hujson": "grants[10].srcPosture",
    };
    const files = validFiles().filter(({ text }) => isPolicy(text));

    for (const { name, text } of files) {
      it(`${name}${refused[name] ? `, which is refused for ${refused[name]}` : ""}`, async () => {
        const merged = addFragment(text, fragment, { keepAllowAll: true });
        const before = lab.policy.text;
        const reply = await call(lab, "POST", "/tailnet/-/acl", { text: merged });
        if (refused[name]) {
          const why = "it does not know device postures, and without the condition it would allow more";
          const message = `cannot be translated for headscale: ${refused[name]}: ${why}`;
          assert.deepEqual([reply.status, reply.body, lab.policy.text], [400, { message }, before]);
          return;
        }
        const { grants } = JSON.parse((await world.headscale.api.policy()) ?? "") as { grants: unknown[] };
        const ours = grants.filter((grant) => fragment.grants.some((g) => isDeepStrictEqual(g, grant)));
        assert.deepEqual([reply.status, ours, lab.policy.text], [200, fragment.grants, merged]);
      });
    }

    it("58 files in all, each that the API itself takes: headscale's language covers 56", () =>
      assert.deepEqual([files.length, files.filter(({ name }) => !refused[name]).length], [58, 56]));
  });
});

/** The corpus has templates and parts of policies too: valid for a merge, but no policy that a tailnet can have. */
function isPolicy(text: string): boolean {
  try {
    checkPolicy(text);
    return true;
  } catch {
    return false;
  }
}
