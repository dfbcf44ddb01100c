import { pause, TailnetClient, TailscaleApiError } from "./client";

/** The shortest life of a key that the rehearsal asks for, in seconds; it is deleted at once anyway. */
const REHEARSAL_SECONDS = 300;
/** A tag is sometimes refused for seconds after the write that gave it its owner (terraform-provider-tailscale#451). */
const TRIES = 4;
const PAUSE_MS = 3_000;

/**
 * Makes a key as the stack will, and deletes it at once: a refusal then comes with what it means, and before there is a
 * VM. The key of the rehearsal is single-use, ephemeral and not preauthorized, and its secret is never looked at.
 * @throws Error with Tailscale's words and what to do, when the tags are refused; other failures are left to the
 * resource that makes the real key, which may have a credential of its own
 */
export async function rehearseKey(client: TailnetClient, tags: string[], tagOwners: string[]): Promise<void> {
  const body = JSON.stringify({
    capabilities: { devices: { create: { reusable: false, ephemeral: true, preauthorized: false, tags } } },
    expirySeconds: REHEARSAL_SECONDS,
    description: "peer-relay rehearsal",
  });
  const path = `${client.tailnet}/keys`;
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await client.send({ method: "POST", path, body });
      const { id } = JSON.parse(answer.text) as { id: string };
      await client.send({ method: "DELETE", path: `${path}/${encodeURIComponent(id)}`, expect: [404] });
      return;
    } catch (error) {
      if ((error as TailscaleApiError).status !== 400) return;
      if (attempt === TRIES) throw refusal(error as Error, tags, tagOwners);
      await pause(PAUSE_MS);
    }
  }
}

function refusal(error: Error, tags: string[], tagOwners: string[]): Error {
  return new Error(
    `Tailscale makes no auth key for ${tags.join(", ") || "an untagged device"}: ${error.message}. ` +
      "An OAuth client can make keys only for tags that it has or that its own tags own: name the client's tag in " +
      `tagOwners (now ${tagOwners.join(", ")}), or give the client the relay's tag. An entry that is in the policy ` +
      "file already is never edited. An untagged relay needs a user's API key.",
  );
}
