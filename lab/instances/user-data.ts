import { contentOf, readCloudConfig, writeFilesOf } from "./cloud-config";
import { parseRelayEnv, relayEnvPath, type RelayEnv } from "./relay-env";

/**
 * What cloud-init would do with an instance's user data, as far as the relay's settings go: decode, unzip, read the
 * cloud-config, take the env file out of `write_files`.
 * @returns undefined when the instance is none of ours: no user data, no cloud-config, or no env file in it
 * @throws Error when it is ours and wrong
 */
export function relaySettings(base64: string | undefined): RelayEnv | undefined {
  if (!base64) return undefined;
  const config = readCloudConfig(Buffer.from(base64, "base64"));
  const file = config && writeFilesOf(config).find((f) => f.path === relayEnvPath);
  return file && parseRelayEnv(contentOf(file).toString("utf8"));
}
