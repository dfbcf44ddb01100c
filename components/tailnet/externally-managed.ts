import { PolicyError } from "../policy/policy-error";
import type { TailnetClient } from "./client";

/**
 * Stops before a write where the tailnet says that its policy file is kept elsewhere, in Git or Terraform: the next push
 * from there would take our part out again. A credential without the scope `feature_settings:read` can't see that.
 * @throws PolicyError `externally-managed`, with the address that the tailnet gives
 */
export async function refuseExternallyManaged(client: TailnetClient): Promise<void> {
  const answer = await client.send({ method: "GET", path: `${client.tailnet}/settings`, expect: [403, 404] });
  if (answer.status !== 200) return;
  const settings = JSON.parse(answer.text) as {
    aclsExternallyManagedOn?: boolean;
    aclsExternalLink?: string;
  };
  if (!settings.aclsExternallyManagedOn) return;
  throw new PolicyError(
    "externally-managed",
    `the tailnet says that its policy file is managed externally (${settings.aclsExternalLink || "no address is given"}), ` +
      'and the next push from there would take our part out. Set policy: "emit" and put policyFragment into that file, or ' +
      "turn the external management off in the admin console's settings; nothing was changed",
  );
}
