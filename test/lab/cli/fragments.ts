import { addFragment, type PolicyFragment } from "../../../components/policy";

export const OWNER = "shop/prod/relay";

/** What `pulumi stack output policyFragments --json` prints for a relay. */
export const fragment: PolicyFragment = {
  owner: OWNER,
  grants: [
    { src: ["tag:srv"], dst: ["tag:relay"], app: { "tailscale.com/cap/relay": [] } },
    { src: ["tag:srv"], dst: ["tag:relay"], ip: ["*"] },
  ],
  tagOwners: { "tag:relay": ["autogroup:admin"] },
};

export const policy = `// ours
{
	"tagOwners": {
		"tag:srv": ["autogroup:admin"],
	},
	"grants": [
		{"src": ["*"], "dst": ["*"], "ip": ["*"]}, // for now
	],
}
`;
export const merged = addFragment(policy, fragment);

/** Somebody narrows the second grant. */
export function editByHand(text: string): string {
  return text.replace('"dst": ["tag:relay"], "ip": ["*"]', '"dst": ["tag:relay"], "ip": ["22"]');
}
