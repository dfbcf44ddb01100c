import assert from "node:assert/strict";
import { addFragment, relayOwners, relayPolicyFragment } from "../../../components/policy";

const relay = (owner: string, enabled = true) =>
  relayPolicyFragment({ owner, clients: ["group:a"], relay: ["tag:relay"], ipAccess: ["*"], enabled });

describe("the owners of relay grants in a file", () => {
  const foreign =
    '{"grants": [{"src": ["*"], "dst": ["tag:relay"], "app": {"tailscale.com/cap/relay": []}}]}\n';

  it("are those that this package wrote, each once, whatever else they have", () => {
    const file = [relay("p/eu/one"), relay("p/us/two")].reduce((text, f) => addFragment(text, f), foreign);
    assert.deepEqual(relayOwners(file).sort(), ["p/eu/one", "p/us/two"]);
  });

  it("are none in a file without them, and none for a relay that is switched off", () => {
    assert.deepEqual(relayOwners(addFragment(foreign, relay("p/eu/one", false))), []);
  });
});
