import { basename } from "node:path";
import type { PolicyFileStore } from "../../components/policy";
// Not from the folder's door: that one loads Pulumi's SDK, which takes a second.
import { connectTailnet, STALE_HINT } from "../../components/tailnet/client";
import { readCredentials, type TailnetCredentials } from "../../components/tailnet/credentials";
import { refuseExternallyManaged } from "../../components/tailnet/externally-managed";
import { policyFileOf } from "../../components/tailnet/policy-file";
import { hasCredentials, isHttpUrl, show } from "../../components/validate";
import { CliError } from "../errors";
import { checkSecrets } from "../secrets";
import { fileStore } from "./file-store";
import { headscaleStore } from "./headscale-store";

/** A policy file, wherever it is. */
export interface Target {
  /** For messages, such as `policy.hujson` or `the tailnet example.com`. */
  name: string;
  /** In the head of a diff. */
  fileName: string;
  store: PolicyFileStore;
  /** When others change it between what was shown and the write: show it again, or stop. */
  whenChanged: "again" | "stop";
  /** @throws PolicyError `externally-managed` where what is added would not stay */
  checkMayAdd(): Promise<void>;
}

export interface TargetOptions {
  file?: string;
  headscale?: string;
}

/** @throws CliError `usage` or `credentials`; nothing is read or sent yet */
export function openTarget({ file, headscale }: TargetOptions, env: NodeJS.ProcessEnv): Target {
  if (file !== undefined) {
    return { name: file, fileName: basename(file), store: fileStore(file), whenChanged: "stop", checkMayAdd };
  }
  checkSecrets(env);
  if (headscale !== undefined) {
    const url = checkUrl("--headscale", headscale);
    const store = headscaleStore(url, headscaleKey(env));
    return { name: `the headscale at ${url}`, fileName: FILE_NAME, store, whenChanged: "again", checkMayAdd };
  }
  const credentials = tailnetCredentials(env);
  checkUrl("TAILSCALE_BASE_URL", credentials.baseUrl);
  const name = credentials.tailnet === "-" ? "the tailnet" : `the tailnet ${credentials.tailnet}`;
  const client = connectTailnet(credentials);
  const store = withCliErrors(policyFileOf(client));
  const onlyIfKeptThere = () => refuseExternallyManaged(client);
  return { name, fileName: FILE_NAME, store, whenChanged: "again", checkMayAdd: onlyIfKeptThere };
}

const FILE_NAME = "policy.hujson";

/** Nothing but the file itself says who keeps it. */
const checkMayAdd = () => Promise.resolve();

function checkUrl(name: string, url: string): string {
  if (!isHttpUrl(url)) throw new CliError("usage", `${name} must be an http or https URL, got ${show(url)}`);
  if (hasCredentials(url)) {
    throw new CliError("usage", `${name} must have no user and no password in it (it is not shown)`);
  }
  return url.replace(/\/+$/, "");
}

function headscaleKey(env: NodeJS.ProcessEnv): string {
  const key = env["HEADSCALE_API_KEY"];
  if (key) return key;
  throw new CliError("credentials", "no headscale API key: set HEADSCALE_API_KEY (headscale apikeys create)");
}

function tailnetCredentials(env: NodeJS.ProcessEnv): TailnetCredentials {
  try {
    return readCredentials(() => undefined, env);
  } catch (error) {
    if ((error as Error).name !== "CredentialsError") throw error;
    throw new CliError(
      "credentials",
      "no Tailscale credentials: set TAILSCALE_API_KEY, or TAILSCALE_OAUTH_CLIENT_ID and TAILSCALE_OAUTH_CLIENT_SECRET, or " +
        "TAILSCALE_OAUTH_CLIENT_ID and TAILSCALE_IDENTITY_TOKEN; or name a policy with --file or --headscale",
    );
  }
}

/** A policy that Tailscale does not take is told from a request that failed; what only concerns Pulumi is left out. */
function withCliErrors(store: PolicyFileStore): PolicyFileStore {
  const failed = (error: unknown, refusals: number[] = []): never => {
    const { name, status = 0, message } = error as { name?: string; status?: number; message: string };
    if (name !== "TailscaleApiError") throw error;
    throw new CliError(refusals.includes(status) ? "refused" : "api", message.replace(STALE_HINT, ""));
  };
  const refused = (error: unknown) => failed(error, [200, 400]);
  return {
    read: () => store.read().catch(failed),
    validate: (text) => store.validate(text).catch(refused),
    write: (text, ifMatch) => store.write(text, ifMatch).catch(refused),
  };
}
