import type { CaseName } from "../../../lab/headscale";

/** What stands in a policy, what headscale gets, and which cases that is. A string: the refusal's words. */
export interface Row {
  cases: CaseName[];
  policy: Record<string, unknown>;
  headscale: Record<string, unknown> | RegExp;
}

const everything = { src: ["*"], dst: ["*"], ip: ["*"] };
const relay = { dst: ["tag:relay"], app: { "tailscale.com/cap/relay": [] } };
const tagOwners = { "tag:relay": ["alice@example.com"] };

/** At least one row for each case; the lab's people are alice, the admin, and bob of another domain. */
export const table: Row[] = [
  {
    cases: [],
    policy: { tagOwners, grants: [{ src: ["*"], ...relay }, everything], randomizeClientPort: true },
    headscale: { tagOwners, grants: [{ src: ["*"], ...relay }, everything], randomizeClientPort: true },
  },
  { cases: [], policy: {}, headscale: {} },
  { cases: [], policy: { grants: [] }, headscale: { grants: [] } },
  {
    cases: ["spelling"],
    policy: { ACLs: [{ Action: "accept", Users: ["*"], Ports: ["*:22", "[fd7a::1]:80", "fd7a::/48:443"] }] },
    headscale: { acls: [{ action: "accept", src: ["*"], dst: ["*:22", "fd7a::1:80", "fd7a::/48:443"] }] },
  },
  {
    cases: ["admin roles"],
    policy: {
      tagOwners: { "tag:relay": ["autogroup:admin", "autogroup:owner"] },
      grants: [{ src: ["autogroup:admin"], ...relay }],
    },
    headscale: { tagOwners, grants: [{ src: ["alice@example.com"], ...relay }] },
  },
  {
    cases: ["other roles", "shared users", "empty rules"],
    policy: {
      tagOwners,
      grants: [
        { src: ["autogroup:it-admin", "autogroup:shared", "tag:relay"], ...relay },
        { src: ["autogroup:auditor"], ...relay },
      ],
    },
    headscale: { tagOwners, grants: [{ src: ["tag:relay"], ...relay }] },
  },
  {
    cases: ["members"],
    policy: {
      tagOwners: { "tag:relay": ["autogroup:member"] },
      grants: [{ src: ["autogroup:member"], ...relay }],
      acls: [{ action: "accept", src: ["autogroup:members"], dst: ["autogroup:members:22"] }],
    },
    headscale: {
      tagOwners: { "tag:relay": ["alice@example.com", "bob@example.org"] },
      acls: [{ action: "accept", src: ["autogroup:member"], dst: ["autogroup:member:22"] }],
      grants: [{ src: ["autogroup:member"], ...relay }],
    },
  },
  {
    cases: ["tagged approvers", "services"],
    policy: {
      tagOwners,
      autoApprovers: {
        routes: { "10.0.0.0/8": ["autogroup:tagged"] },
        exitNode: ["tag:relay"],
        services: { "svc:web": ["tag:relay"] },
      },
    },
    headscale: {
      tagOwners,
      autoApprovers: { routes: { "10.0.0.0/8": ["tag:relay"] }, exitNode: ["tag:relay"] },
    },
  },
  {
    cases: ["users of a domain", "group names"],
    policy: {
      groups: { "group:dev@example.com": ["user:*@example.com", "carol@example.com"] },
      tagOwners: { "tag:relay": ["group:dev@example.com"] },
      grants: [{ src: ["group:dev@example.com", "user:*@example.org"], ...relay }],
    },
    headscale: {
      groups: { "group:dev-at-example.com": ["alice@example.com", "carol@example.com"] },
      tagOwners: { "tag:relay": ["group:dev-at-example.com"] },
      grants: [{ src: ["group:dev-at-example.com", "bob@example.org"], ...relay }],
    },
  },
  {
    cases: ["ipsets", "address ranges"],
    policy: {
      hosts: { nas: "100.64.0.7", few: "100.64.0.1-100.64.0.4" },
      ipsets: {
        "ipset:all": ["add ipset:some", "host:nas", "fd7a::/48"],
        "ipset:some": ["add 10.0.0.0/8", "few"],
      },
      grants: [{ src: ["ipset:some"], dst: ["ipset:all"], ip: ["*"] }],
      acls: [{ action: "accept", src: ["*"], dst: ["ipset:some:22", "100.64.0.255-100.64.1.1:80-90"] }],
    },
    headscale: {
      hosts: { nas: "100.64.0.7" },
      acls: [
        {
          action: "accept",
          src: ["*"],
          dst: [
            ...["10.0.0.0/8:22", "100.64.0.1/32:22", "100.64.0.2/31:22", "100.64.0.4/32:22"],
            ...["100.64.0.255/32:80-90", "100.64.1.0/31:80-90"],
          ],
        },
      ],
      grants: [
        {
          src: ["10.0.0.0/8", "100.64.0.1/32", "100.64.0.2/31", "100.64.0.4/32"],
          dst: ["10.0.0.0/8", "100.64.0.1/32", "100.64.0.2/31", "100.64.0.4/32", "nas", "fd7a::/48"],
          ip: ["*"],
        },
      ],
    },
  },
  {
    cases: ["ipsets with remove"],
    policy: {
      ipsets: { "ipset:x": ["add 10.0.0.0/8", "remove 10.1.0.0/16"] },
      grants: [{ src: ["*"], dst: ["ipset:x"], ip: ["*"] }],
    },
    headscale: /: ipset:x in grants\[0\]\.dst: it has no rule for everything but a network/,
  },
  {
    cases: ["postures"],
    policy: {
      postures: { "posture:mac": ["node:os == 'macos'"] },
      grants: [{ src: ["*"], dst: ["*"], ip: ["*"], srcPosture: ["posture:mac"] }],
    },
    headscale: /: grants\[0\]\.srcPosture: it does not know device postures/,
  },
  {
    cases: ["postures"],
    policy: { postures: { "posture:mac": ["node:os == 'macos'"] }, defaultSrcPosture: ["posture:mac"] },
    headscale: /: defaultSrcPosture: it does not know device postures/,
  },
  {
    cases: ["posture definitions", "tailnet settings", "tests"],
    policy: {
      postures: { "posture:mac": ["node:os == 'macos'"] },
      derpMap: { OmitDefaultRegions: true },
      disableIPv4: false,
      grants: [everything],
      tests: [{ src: "alice@example.com", accept: ["100.64.0.9:22"] }],
    },
    headscale: { grants: [everything] },
  },
  {
    cases: ["services", "any protocol", "golink capability", "empty rules"],
    policy: {
      grants: [
        { src: ["*"], dst: ["svc:web", "100.64.0.1"], ip: ["*:443", "tcp:80"] },
        { src: ["*"], dst: ["svc:web"], ip: ["*"] },
        { src: ["*"], dst: ["*"], app: { "tailscale.com/cap/golink": [] } },
      ],
      acls: [{ action: "accept", proto: null, src: ["*"], dst: ["*:22"] }],
    },
    headscale: {
      acls: [{ action: "accept", src: ["*"], dst: ["*:22"] }],
      grants: [{ src: ["*"], dst: ["100.64.0.1"], ip: ["443", "tcp:80"] }],
    },
  },
  {
    cases: ["SSH rules", "SSH check periods"],
    policy: {
      tagOwners,
      ssh: [
        {
          action: "accept",
          src: ["autogroup:member"],
          dst: ["tag:relay"],
          users: ["root"],
          checkPeriod: "12h",
        },
        {
          action: "check",
          src: ["autogroup:member"],
          dst: ["autogroup:self"],
          users: ["root"],
          checkPeriod: "12h",
        },
        {
          action: "accept",
          src: ["autogroup:member"],
          dst: ["tag:relay"],
          users: ["root"],
          recorder: ["tag:relay"],
        },
        { action: "accept", src: ["tag:relay"], dst: ["autogroup:self"], users: ["root"] },
      ],
    },
    headscale: {
      tagOwners,
      ssh: [
        { action: "accept", src: ["autogroup:member"], dst: ["tag:relay"], users: ["root"] },
        {
          action: "check",
          src: ["autogroup:member"],
          dst: ["autogroup:self"],
          users: ["root"],
          checkPeriod: "12h",
        },
      ],
    },
  },
  {
    cases: ["node attributes", "empty rules"],
    policy: {
      groups: { "group:some": ["alice@example.com", "carol@example.com"], "group:lab": ["bob@example.org"] },
      nodeAttrs: [
        { target: ["group:some", "group:lab", "carol@example.com", "*"], attr: ["funnel", "nextdns:abc"] },
        { target: ["*"], ipPool: ["100.81.0.0/16"] },
      ],
    },
    headscale: {
      groups: { "group:some": ["alice@example.com", "carol@example.com"], "group:lab": ["bob@example.org"] },
      nodeAttrs: [{ target: ["alice@example.com", "group:lab", "*"], attr: ["nextdns:abc"] }],
    },
  },
];
