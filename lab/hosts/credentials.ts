import { randomBytes } from "node:crypto";
import type { CloudInstance } from "../instances";
import type { SigningIdentity } from "./sigv4";

/** Credentials of an instance's role. */
export interface RoleCredentials extends SigningIdentity {
  instance: CloudInstance;
  roleArn: string;
  expires: Date;
}

/** How long before their end the metadata service hands out new ones, in milliseconds. */
const renewalMs = 5 * 60_000;

/** Issues the short-lived credentials that instances get by their metadata, and knows them again. */
export class CredentialIssuer {
  private readonly byKeyId = new Map<string, RoleCredentials>();

  constructor(
    /** In milliseconds. */
    private readonly lifetimeMs = 3_600_000,
    private readonly now: () => number = Date.now,
  ) {}

  /** The instance's credentials for its role: the same ones until they are about to expire. */
  for(instance: CloudInstance, roleArn: string): RoleCredentials {
    const usable = [...this.byKeyId.values()].find(
      (c) =>
        c.instance.id === instance.id &&
        c.roleArn === roleArn &&
        c.expires.getTime() - this.now() > Math.min(renewalMs, this.lifetimeMs / 2),
    );
    if (usable) return usable;
    const made = {
      instance,
      roleArn,
      accessKeyId: `ASIA${randomBytes(8).toString("hex").toUpperCase()}`,
      secretAccessKey: randomBytes(30).toString("base64"),
      sessionToken: randomBytes(96).toString("base64"),
      expires: new Date(this.now() + this.lifetimeMs),
    };
    this.byKeyId.set(made.accessKeyId, made);
    return made;
  }

  find(accessKeyId: string): RoleCredentials | undefined {
    return this.byKeyId.get(accessKeyId);
  }
}
