import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ApiError, checkPolicy } from "../../../lab/tailscale";

/** The refusal's words; "" when the policy is fine. */
function verdict(text: string): string {
  try {
    checkPolicy(text);
    return "";
  } catch (error) {
    if (error instanceof ApiError && error.status === 400) return error.message;
    throw error;
  }
}

const owners = '"tagOwners": {"tag:a": [], "tag:b": ["tag:a"]}, "groups": {"group:g": ["alice@example.com"]}';
const grant = (g: string) => `{${owners}, "grants": [${g}]}`;

describe("the Tailscale API server: what it refuses in a policy", () => {
  const bad: [text: string, why: string][] = [
    ["", "hujson: line 1, column 1: ValueExpected"],
    ["[]", "json: cannot unmarshal array into policy, which must be an object"],
    ["{} {}", "hujson: line 1, column 4: EndOfFileExpected"],
    ["\ufeff{}", "hujson: line 1, column 1: InvalidSymbol"],
    ['{"acls": []\n"grants": []}', "hujson: line 2, column 1: CommaExpected"],
    ["{'acls': []}", "hujson: line 1, column 2: InvalidSymbol"],
    ["{} /* no end", "hujson: line 1, column 4: UnexpectedEndOfComment"],
    ['{"grant": []}', 'json: unknown field "grant" in policy'],
    ['{"grants": {}}', "json: cannot unmarshal object into grants, which must be an array"],
    [
      '{"grants": [{"src": "*"}]}',
      "json: cannot unmarshal string into grants[0].src, which must be an array",
    ],
    ['{"grants": [{"users": []}]}', 'json: unknown field "users" in grants[0]'],
    ['{"tagOwners": {"relay": []}}', "tagOwners[\"relay\"]=tags must start with 'tag:'"],
    ['{"tagOwners": {"tag:": []}}', 'tagOwners["tag:"]=tag names must not be empty'],
    ['{"tagOwners": {"tag:1": []}}', "tagOwners[\"tag:1\"]=tag names must start with a letter, after 'tag:'"],
    [
      '{"tagOwners": {"tag:a_b": []}}',
      'tagOwners["tag:a_b"]=tag names can only contain numbers, letters, or dashes',
    ],
    ['{"tagOwners": {"tag:a": ["tag:b"]}}', 'tagOwners["tag:a"]=tag not found: "tag:b"'],
    ['{"tagOwners": {"tag:a": ["group:g"]}}', 'tagOwners["tag:a"]=group not found: "group:g"'],
    ['{"tagOwners": {"tag:a": ["alice"]}}', 'tagOwners["tag:a"]=invalid owner: "alice"'],
    [
      '{"tagOwners": {"tag:a": ["autogroup:tagged"]}}',
      'tagOwners["tag:a"]=invalid owner: "autogroup:tagged"',
    ],
    [
      '{"groups": {"group:g": ["group:h"], "group:h": []}}',
      '"group:g": groups can not contain groups: "group:h"',
    ],
    ['{"groups": {"group:g": ["alice@"]}}', '"group:g": invalid user: "alice@"'],
    ['{"hosts": {"h": "example.com"}}', 'hosts["h"]: invalid address: "example.com"'],
    ['{"ipsets": {"ipset:s": ["add tag:a"]}}', '"ipset:s": not allowed: "tag:a"'],
    [grant('{"src": ["tag:x"], "dst": ["*"], "ip": ["*"]}'), 'src=tag not found: "tag:x"'],
    [grant('{"src": ["*"], "dst": ["tag:x"], "ip": ["*"]}'), 'dst=tag not found: "tag:x"'],
    [grant('{"src": ["group:x"], "dst": ["*"], "ip": ["*"]}'), 'src=group not found: "group:x"'],
    [grant('{"src": ["box"], "dst": ["*"], "ip": ["*"]}'), 'src=host not found: "box"'],
    [
      grant('{"src": ["autogroup:self"], "dst": ["*"], "ip": ["*"]}'),
      'src=invalid autogroup: "autogroup:self"',
    ],
    [grant('{"src": ["*"], "dst": ["*"]}'), "ip and app can not both be empty"],
    [grant('{"src": ["*"], "dst": ["*"], "ip": [], "app": {}}'), "ip and app can not both be empty"],
    [grant('{"src": ["*"], "dst": ["*"], "ip": ["tcp:x"]}'), 'invalid Internet protocol and port: "tcp:x"'],
    [grant('{"src": ["*"], "dst": ["*"], "ip": ["70000"]}'), 'port out of range: "70000"'],
    [
      grant('{"src": ["*"], "dst": ["*"], "ip": ["*"], "via": ["alice@example.com"]}'),
      "via can only be a tag",
    ],
    [
      grant('{"src": ["*"], "dst": ["*"], "app": {"tailscale.com/cap/relay-target": []}}'),
      "capability name must not be in the tailscale.com domain",
    ],
    [
      grant('{"src": ["*"], "dst": ["*"], "app": {"https://tailscale.com/cap/relay": []}}'),
      "capability name must have the form {domain}/{path}",
    ],
    [
      grant('{"src": ["*"], "dst": ["autogroup:internet"], "app": {"tailscale.com/cap/relay": []}}'),
      "cannot use app grants with autogroup:internet",
    ],
    [
      grant('{"src": ["*"], "dst": ["0.0.0.0/0"], "ip": ["*"]}'),
      'dst "0.0.0.0/0": to allow all IP addresses, use "*" or "autogroup:internet"',
    ],
    [
      grant('{"src": ["*"], "dst": ["autogroup:self"], "ip": ["*"]}'),
      "autogroup:self can only be used with users, groups, or supported autogroups",
    ],
    [
      grant('{"src": ["*"], "dst": ["*"], "ip": ["*"], "srcPosture": ["posture:p"]}'),
      'srcPosture=posture not found: "posture:p"',
    ],
    ['{"acls": [{"action": "deny", "src": ["*"], "dst": ["*:*"]}]}', 'acls: invalid action: "deny"'],
    [
      '{"acls": [{"action": "accept", "src": ["*"], "dst": ["192.0.2.1"]}]}',
      'dst="192.0.2.1": port range is missing or invalid',
    ],
    [
      '{"ssh": [{"action": "accept", "src": ["tag:x"], "dst": [], "users": []}]}',
      'src=tag not found: "tag:x"',
    ],
    ['{"nodeAttrs": [{"target": ["tag:x"], "attr": ["funnel"]}]}', 'target=tag not found: "tag:x"'],
    ['{"autoApprovers": {"exitNode": ["tag:x"]}}', 'autoApprovers=tag not found: "tag:x"'],
    ['{"tests": [{"src": "tag:x", "accept": ["192.0.2.1:22"]}]}', "test(s) failed"],
  ];
  for (const [text, why] of bad) {
    it(`${why}: ${text.replace(`${owners}, `, "")}`, () => assert.equal(verdict(text), why));
  }

  it("and takes the forms of a relay grant that the real service takes", () => {
    const relay = (app: string) =>
      grant(`{"src": ["tag:a"], "dst": ["tag:b", "100.64.0.1"], "app": {${app}}}`);
    const good = [
      relay('"tailscale.com/cap/relay": []'),
      relay('"tailscale.com/cap/relay": [{}]'),
      relay('"example.com/cap": [{"x": 1}]'),
      grant('{"src": [], "dst": [], "ip": ["*"]}'),
      '{"TagOwners": {"tag:a": []}, "ACLs": [{"Action": "accept", "Users": ["tag:a"], "Ports": ["*:*"]}]}',
      "// only comments around\n{ /* nothing */ }\n// the end",
    ];
    assert.deepEqual(
      good.map(verdict),
      good.map(() => ""),
    );
  });
});

describe("the Tailscale API server: real policy files", () => {
  const corpus = join(__dirname, "../../corpus");
  const refused: Record<string, string> = {
    "001-alexraskin": "hujson: line 169, column 14: InvalidSymbol", // a template
    "013-cryan1988-ssh": 'dst=tag not found: "tag:server"', // a part of a file
    "017-dungsil": '"group:me": invalid user: "${TS_USERNAME}"', // a template
    "025-jhjaggars": 'dst=host not found: "octopi"',
    "029-headscale-randomize-client-port": "hujson: line 6, column 7: CommaExpected",
    "031-headscale-2863-allow-predefined-missing-user": '"group:example-infra": invalid user: "user1@"', // headscale's
    "033-headscale-grant-a5": "capability name must not be in the tailscale.com domain", // as captured: 400
    "043-headscale-basic-types": '"group:noat": invalid user: "user3@"', // headscale's
    "063-perchnet": 'tagOwners["tag:docker"]=group not found: "group:komodo-admin"',
    "081-tailscale-dev": 'srcPosture=posture not found: "posture:latestMac"', // a part of a file
    "083-tailscale-dev-grants": 'dst=tag not found: "tag:k8s-operator"', // a part of a file
    "085-tailscale-dev-ssh": 'dst=tag not found: "tag:finance"', // a part of a file
    "087-tailscale-dev-output-file-to-compare-to": '"group:parent": invalid user: "from-parent"', // a tool's fixture
    "089-tailscale-tailscale-client-go-v2": 'srcPosture=posture not found: "posture:latestMac"', // a fixture
  };

  it("are taken, but for those that are broken, parts, templates or headscale's dialect", () => {
    const files = readdirSync(corpus).filter((f) => /^\d+.*\.hujson$/.test(f));
    const got = files.flatMap((f) => {
      const why = verdict(readFileSync(join(corpus, f), "utf8"));
      return why === "" ? [] : [[f.replace(".hujson", ""), why] as const];
    });
    assert.deepEqual([files.length, Object.fromEntries(got)], [50, refused]);
  });
});
