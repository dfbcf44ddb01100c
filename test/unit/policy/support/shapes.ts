import { type PolicyFragment, relayPolicyFragment } from "../../../../components/policy";

export interface Shape {
  name: string;
  make: (owner: string) => PolicyFragment;
}

const relayOwners = { "tag:relay": ["autogroup:admin"] };

/** All that a relay's fragment may look like; `ownedTag` is a tag that the file has owners for already. */
export function shapes(ownedTag: string | undefined): Shape[] {
  const relay = (name: string, args: Omit<Parameters<typeof relayPolicyFragment>[0], "owner">): Shape => ({
    name,
    make: (owner) => relayPolicyFragment({ owner, ...args }),
  });
  return [
    relay("method 1", { clients: ["*"], relay: ["100.64.0.1"] }),
    relay("method 1 with its second rule", {
      clients: ["*"],
      relay: ["100.64.0.1"],
      ipAccess: ["*"],
      ipAccessTo: ["*"],
    }),
    relay("method 2", { clients: ["tag:srv"], relay: ["tag:relay"], tagOwners: relayOwners }),
    relay("method 2 with its second rule", {
      clients: ["tag:srv"],
      relay: ["tag:relay"],
      ipAccess: ["*"],
      tagOwners: { ...relayOwners, "tag:srv": ["autogroup:member"] },
    }),
    relay("kill switch", { clients: ["*"], relay: ["tag:relay"], tagOwners: relayOwners, enabled: false }),
    relay("a tag that owns a tag", {
      clients: ["autogroup:member", "日本@example.com"],
      relay: ["tag:relay-ci"],
      tagOwners: { "tag:relay-ci": ["tag:peer-relay-ci"], "tag:peer-relay-ci": [] },
    }),
    {
      name: "several grants",
      make: (owner) => ({
        owner,
        grants: [
          {
            src: ["group:eu"],
            dst: ["100.64.0.1", "fd7a:115c:a1e0::1"],
            app: { "tailscale.com/cap/relay": [] },
          },
          {
            src: ["group:us"],
            dst: ["tag:relay"],
            app: { "tailscale.com/cap/relay": [{}] },
            ip: ["tcp:443"],
          },
          { src: ["group:us"], dst: ["tag:relay"], ip: ["udp:40000", "icmp:*"] },
        ],
        tagOwners: {},
      }),
    },
    { name: "nothing", make: (owner) => ({ owner, grants: [], tagOwners: {} }) },
    ...(ownedTag === undefined
      ? []
      : [
          relay("a tag with owners", {
            clients: ["*"],
            relay: [ownedTag],
            tagOwners: { [ownedTag]: ["group:nobody-else"] },
          }),
        ]),
  ];
}
