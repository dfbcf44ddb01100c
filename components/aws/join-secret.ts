import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import * as tailscale from "@pulumi/tailscale";
import type { ResolvedArgs } from "../peer-relay-args";
import { checkJoinSecret } from "../resolve-args";
import { Problems } from "../validate";

/** What the VM's join secret depends on. */
export interface JoinSecretArgs {
  args: ResolvedArgs;
  /** Name of the parameter; known before anything exists, because the user data names it too. */
  parameterName: string;
  /** A new one asks for a new key: the old one has been used. */
  serial: pulumi.Output<string>;
  tags: Record<string, string>;
  /** Must stand first: Tailscale refuses a key for a tag that the policy file does not own yet. */
  dependsOn: pulumi.Resource[];
}

/** Whether the stack makes the auth key itself, which is the default. */
export function makesKey(args: ResolvedArgs): boolean {
  return (
    args.workloadIdentity === undefined && args.authKey === undefined && args.oauthClientSecret === undefined
  );
}

/**
 * The SSM SecureString from which the VM fetches what it joins with; none with workload identity. It never goes
 * through user data, and the VM fetches it anew when it has to join again, so a new key never replaces the VM.
 */
export function joinSecret(
  name: string,
  { args, parameterName, serial, tags, dependsOn }: JoinSecretArgs,
  parent: pulumi.Resource,
): aws.ssm.Parameter | undefined {
  if (args.workloadIdentity !== undefined) return undefined;
  const value = givenSecret(name, args) ?? mintedKey(name, args, serial, dependsOn, parent).key;
  return new aws.ssm.Parameter(
    `${name}-join-secret`,
    {
      name: parameterName,
      type: "SecureString",
      value,
      description: `What peer relay ${name} joins with`,
      tags,
    },
    { parent, additionalSecretOutputs: ["value"] },
  );
}

/** The user's own secret. An output is checked here, as soon as it is known; `resolveArgs` checked what it could. */
export function givenSecret(name: string, args: ResolvedArgs): pulumi.Output<string> | undefined {
  const key = args.authKey !== undefined ? "authKey" : "oauthClientSecret";
  const given = args[key];
  if (given === undefined) return undefined;
  return pulumi.secret(given).apply((value) => {
    const problems = new Problems();
    checkJoinSecret(key, value, problems);
    if (problems.list.length > 0) throw new pulumi.RunError(`relay ${name}: ${problems.list.join("; ")}`);
    return value;
  });
}

function mintedKey(
  name: string,
  args: ResolvedArgs,
  serial: pulumi.Output<string>,
  dependsOn: pulumi.Resource[],
  parent: pulumi.Resource,
): tailscale.TailnetKey {
  return new tailscale.TailnetKey(
    `${name}-auth-key`,
    {
      reusable: false,
      ephemeral: false,
      preauthorized: true,
      tags: args.tags,
      expiry: args.keyExpirySeconds,
      // Tailscale takes at most 50 letters, digits, spaces and dashes here.
      description: pulumi.interpolate`peer-relay ${name.replace(/[^A-Za-z0-9-]/g, "-").slice(0, 28)} ${serial}`,
      // A used single-use key is invalid, and that is as it should be: the serial alone asks for a new one.
      recreateIfInvalid: "never",
    },
    { parent, dependsOn, additionalSecretOutputs: ["key"] },
  );
}
