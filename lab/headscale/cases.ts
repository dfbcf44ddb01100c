/** What the translation does where headscale's policy language is narrower than Tailscale's. */
export interface TranslationCase {
  /** `translated`: means the same. `left out`: grants less, never more. `refused`: the policy is not taken (400). */
  outcome: "translated" | "left out" | "refused";
  /** What stands in the policy file. */
  what: string;
  /** What headscale gets, or why it gets nothing; for a refusal what it lacks. */
  how: string;
}

/** Every case there is. Whatever is not in this list goes to headscale as it is, relay grants above all. */
export const translationCases = {
  spelling: {
    outcome: "translated",
    what: "field names in other letter case; `users` and `ports` in acls",
    how: "the canonical names, `src` and `dst`",
  },
  "admin roles": {
    outcome: "translated",
    what: "`autogroup:admin`, `autogroup:owner`",
    how: "the lab's admin, who is the tailnet's owner too",
  },
  "other roles": {
    outcome: "left out",
    what: "`autogroup:it-admin`, `network-admin`, `billing-admin`, `auditor`",
    how: "nobody in the lab has these roles",
  },
  "shared users": {
    outcome: "left out",
    what: "`autogroup:shared`",
    how: "nobody from another tailnet is in the lab",
  },
  members: {
    outcome: "translated",
    what: "`autogroup:members`; `autogroup:member` as owner or approver",
    how: "`autogroup:member`; the lab's users, each by name",
  },
  "tagged approvers": {
    outcome: "translated",
    what: "`autogroup:tagged` as approver",
    how: "every tag that has an owner",
  },
  "users of a domain": {
    outcome: "translated",
    what: "`user:*@example.com`",
    how: "the lab's users of that domain, each by name",
  },
  "group names": {
    outcome: "translated",
    what: "a group whose name has an `@`, which headscale takes for a user",
    how: "`-at-` in its place",
  },
  ipsets: {
    outcome: "translated",
    what: "`ipset:x` of networks, hosts and other sets",
    how: "what is in it, each by itself",
  },
  "ipsets with remove": {
    outcome: "refused",
    what: "`remove` in an ipset that is in use",
    how: "has no rule for everything but a network, and without the `remove` it would allow more",
  },
  "address ranges": {
    outcome: "translated",
    what: "`100.64.0.1-100.64.0.9`",
    how: "the networks that make it up",
  },
  postures: {
    outcome: "refused",
    what: "`srcPosture` in acls and grants; `defaultSrcPosture`",
    how: "does not know device postures, and without the condition it would allow more",
  },
  "posture definitions": {
    outcome: "left out",
    what: "`postures` that no rule asks for",
    how: "they do nothing",
  },
  services: {
    outcome: "left out",
    what: "`svc:x`; `services` in autoApprovers",
    how: "no device of the lab serves one",
  },
  "any protocol": {
    outcome: "translated",
    what: "`*:443` in a grant's `ip`; `proto: null` in acls",
    how: "`443`; no `proto`",
  },
  "golink capability": {
    outcome: "left out",
    what: "`tailscale.com/cap/golink`",
    how: "headscale refuses it; what else the grant gives stays",
  },
  "empty rules": {
    outcome: "left out",
    what: "a rule of which no source, no destination or no right is left",
    how: "it grants nothing",
  },
  tests: {
    outcome: "left out",
    what: "`tests`, `sshTests`",
    how: "our API runs the tests; headscale counts a test as failed when no such device is there",
  },
  "SSH rules": {
    outcome: "left out",
    what: "SSH rules with `recorder`, `enforceRecorder`, `srcPosture`, hosts, or a combination that headscale refuses",
    how: "headscale cannot hold them; a relay needs none",
  },
  "SSH check periods": {
    outcome: "left out",
    what: "`checkPeriod` of an SSH rule whose action is `accept`",
    how: "it does nothing, and headscale refuses it",
  },
  "node attributes": {
    outcome: "left out",
    what: "`funnel`, `ipPool` and `app` in nodeAttrs; users whom the lab does not have, and groups with such, as target",
    how: "headscale has no Funnel, pools or app connectors, and refuses unknown users there; the users whom it has stay",
  },
  "tailnet settings": {
    outcome: "left out",
    what: "`derpMap`, `disableIPv4`, `oneCGNATRoute`, `extraDNSRecords`, `attrConfig`",
    how: "the lab has its own DERP map and addresses",
  },
} as const satisfies Record<string, TranslationCase>;

/** A row of {@link translationCases}. */
export type CaseName = keyof typeof translationCases;
