import type { DeviceDirectory } from "./devices";
import type { AuthKey } from "./keys";

/**
 * A real control server behind the API. Policy, keys and devices are its; callers, scopes, ETags, tag ownership and the
 * policy's syntax stay the API's own business. Each method throws ApiError with the server's words.
 */
export interface ControlPlane {
  /** Whether it would take the policy file. */
  checkPolicy(text: string): Promise<void>;
  /** Puts the policy file in force. */
  setPolicy(text: string): Promise<void>;
  /** Makes a key with these rights. @returns its text, which goes to the caller and is kept nowhere */
  createKey(key: AuthKey): Promise<string>;
  revokeKey(key: AuthKey): Promise<void>;
  /** Ids of the keys that devices joined with. */
  usedKeys(): Promise<string[]>;
  devices: DeviceDirectory;
}
