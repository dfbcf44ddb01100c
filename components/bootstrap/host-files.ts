import { awsHelper } from "./aws-helper";
import { renderEnvFile } from "./env-file";
import { scriptCommon } from "./script-common";
import { scriptFirewall } from "./script-firewall";
import { scriptInstall } from "./script-install";
import { scriptJoin } from "./script-join";
import { scriptMain } from "./script-main";
import { checkSettings, type BootstrapSettings } from "./settings";
import { bootstrapUnit, healthTimer, healthUnit } from "./units";

/** A file on the relay host; `mode` is octal (`0755`). */
export interface HostFile {
  path: string;
  mode: string;
  content: string;
}

/**
 * Comments below the head stay here: user data is small, and they are a fifth of the script. Nothing but a comment starts
 * with a hash between blanks in our programs.
 */
function withoutComments(text: string): string {
  const lines = text.split("\n");
  const head = lines.findIndex((line) => !line.startsWith("#"));
  const body = lines.slice(head).filter((line) => !/^\s*# (?!shellcheck )/.test(line));
  return [...lines.slice(0, head), ...body.map((line) => line.replace(/(?<=\S)\s+# .*$/, ""))].join("\n");
}

/** The bootstrap script: the same text on every host, since all settings come from the env file. */
const bootstrapScript = withoutComments(
  [scriptCommon, scriptInstall, scriptFirewall, scriptJoin, scriptMain].join(""),
);

/**
 * Everything that a relay host needs on its disk before `peer-relay.service` is started.
 * @throws {BootstrapError} when a setting cannot work
 */
export function renderHostFiles(settings: BootstrapSettings): HostFile[] {
  checkSettings(settings);
  return [
    { path: "/etc/peer-relay/relay.env", mode: "0644", content: renderEnvFile(settings) },
    { path: "/usr/local/lib/peer-relay/bootstrap", mode: "0755", content: bootstrapScript },
    { path: "/usr/local/lib/peer-relay/aws", mode: "0755", content: withoutComments(awsHelper) },
    { path: "/etc/systemd/system/peer-relay.service", mode: "0644", content: bootstrapUnit },
    { path: "/etc/systemd/system/peer-relay-health.service", mode: "0644", content: healthUnit },
    { path: "/etc/systemd/system/peer-relay-health.timer", mode: "0644", content: healthTimer },
  ];
}
