import type { PolicyFileStore } from "../policy";
import { explain, TailnetClient, TailscaleApiError } from "./client";

/**
 * The tailnet's policy file behind the Tailscale API, as the policy module's write protocol wants it. A write always
 * carries the ETag that was read (`If-Match`); the API answers 412 when somebody else wrote in between.
 */
export function policyFileOf(client: TailnetClient): PolicyFileStore {
  const path = `${client.tailnet}/acl`;
  return {
    async read() {
      const answer = await client.send({ method: "GET", path, accept: "application/hujson" });
      return { text: answer.text, etag: answer.etag };
    },
    async validate(text) {
      const answer = await client.send({
        method: "POST",
        path: `${path}/validate`,
        body: text,
        contentType: "application/hujson",
        accept: "application/json",
        expect: [400],
      });
      // The API answers 200 to a policy that it refuses, with the reason in `message`; it says "warning(s) found" in the
      // same place. Only an empty answer and one with nothing but warnings are a yes.
      if (answer.status === 200 && (/^\s*(\{\s*\})?\s*$/.test(answer.text) || onlyWarns(answer.text))) return;
      throw new TailscaleApiError(`Tailscale refused the policy: ${explain(answer)}`, answer.status);
    },
    async write(text, ifMatch) {
      const answer = await client.send({
        method: "POST",
        path,
        body: text,
        contentType: "application/hujson",
        accept: "application/hujson",
        ifMatch: strongTag(ifMatch),
        expect: [412],
      });
      if (answer.status !== 412) return "written";
      return answer.resent ? "unclear" : "conflict";
    },
  };
}

/** Tailscale warns of what it would save all the same, such as a group that its directory does not know. */
function onlyWarns(text: string): boolean {
  try {
    const body = JSON.parse(text) as { message?: string; data?: Record<string, unknown>[] };
    const entries = body.data ?? [];
    const isWarning = (entry: Record<string, unknown>) =>
      Array.isArray(entry.warnings) &&
      entry.warnings.length > 0 &&
      Object.keys(entry).every((key) => key === "user" || key === "warnings");
    return body.message === "warning(s) found" && entries.length > 0 && entries.every(isWarning);
  } catch {
    return false;
  }
}

/** If-Match compares strongly and wants quotes; servers and proxies send the tag weak or bare now and then. */
function strongTag(etag: string): string {
  return `"${etag.replace(/^W\//, "").replace(/^"|"$/g, "")}"`;
}
