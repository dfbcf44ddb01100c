import type { PolicyFragment } from "../../../../components/policy";

/** What a relay with access to itself has in the file: two grants that are not alike, and its tag's owners. */
export const grant = { src: ["tag:srv"], dst: ["tag:relay"], app: { "tailscale.com/cap/relay": [] } };
export const access = { src: ["tag:srv"], dst: ["tag:relay"], ip: ["*"] };
export const fragment: PolicyFragment = {
  owner: "shop/prod/relay",
  grants: [grant, access],
  tagOwners: { "tag:relay": ["autogroup:admin"] },
};
/** The same of another owner. */
export const other: PolicyFragment = { ...fragment, owner: "shop/dev/relay" };
