import { createHash } from "node:crypto";
import { RegistrationError, type Device, type Registration } from "../tailscale";
import { letsIn, passes, type Cloud, type CloudInstance, type InstanceRole } from "./cloud";
import { allows, trustsEc2 } from "./iam-policy";
import type { RelayAuth, RelayEnv } from "./relay-env";

/** Why an instance can't join now; a later try may succeed. Its message never holds a secret. */
export class BootError extends Error {
  constructor(
    message: string,
    /** A hash of the secret that the control server refused: the same one need not be offered again soon. */
    readonly refused?: string,
  ) {
    super(message);
  }
}

/** The side of a tailnet that a joining node sees. */
export interface ControlServer {
  register(r: Registration): Device;
}

/**
 * Joins the tailnet as the bootstrap would, after checking that a real machine could: an address that its static
 * endpoints name, a way out, and the right to read its own secret.
 *
 * Its AWS is the lab's whatever `PEER_RELAY_SSM_ENDPOINT` says; a key file (`auth: file`) is never there, nobody could
 * have put it there.
 * @param refused hash of the secret that was refused last; not offered again
 * @throws BootError
 */
export async function join(
  instance: CloudInstance,
  env: RelayEnv,
  cloud: Cloud,
  control: ControlServer,
  refused?: string,
): Promise<Device> {
  if (env.loginServer)
    throw new BootError(`tailscale up: ${env.loginServer} is not this lab's control server`);
  await checkNetwork(instance, env, cloud);
  const credential = await fetchCredential(instance, env.auth, cloud);
  const digest = createHash("sha256").update(JSON.stringify(credential)).digest("hex");
  if (digest === refused) throw new BootError("auth: this key was refused, waiting for another one", digest);
  try {
    return control.register({
      ...credential,
      hostname: env.hostname,
      tags: env.tags,
      clientVersion: env.tailscaleVersion,
    });
  } catch (error) {
    if (error instanceof RegistrationError) throw new BootError(`tailscale up: ${error.message}`, digest);
    throw error;
  }
}

/** Whether the relay's port is reachable through the security group, from anywhere at all. */
export async function portIsOpen(instance: CloudInstance, port: number, cloud: Cloud): Promise<boolean> {
  return letsIn(await cloud.firewall(instance), port);
}

async function checkNetwork(instance: CloudInstance, env: RelayEnv, cloud: Cloud): Promise<void> {
  const own = [...(await cloud.elasticIps(instance)), ...instance.ipv6Addresses];
  if (own.length === 0) throw new BootError("network: no Elastic IP is associated with this instance");
  const mine = env.staticEndpoints.filter((e) => own.some((ip) => e === endpoint(ip, env.port)));
  if (mine.length === 0) {
    throw new BootError(
      `network: none of ${env.staticEndpoints.join(", ")} is this instance (${own.join(", ")})`,
    );
  }
  // The control server and DERP are reached over HTTPS; without them there is no relay.
  const rules = await cloud.firewall(instance);
  if (!passes(rules, "out", "tcp", 443)) {
    throw new BootError("network: the security group lets nothing out to TCP 443");
  }
}

function endpoint(ip: string, port: number): string {
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}

async function fetchCredential(
  instance: CloudInstance,
  auth: RelayAuth,
  cloud: Cloud,
): Promise<Pick<Registration, "authKey" | "workloadIdentity">> {
  if (auth.kind === "file") throw new BootError(`auth: no key at ${auth.path}`);
  const role = await cloud.role(instance);
  if (!role) throw new BootError("auth: the instance has no role, so no credentials from IMDS");
  if (!trustsEc2(role.trust)) throw new BootError("auth: the role does not trust ec2.amazonaws.com");
  if (auth.kind === "workload-identity") return workloadIdentity(role, auth);
  const arn = `arn:aws:ssm:${instance.region}:${instance.accountId}:parameter/${auth.name.replace(/^\//, "")}`;
  if (!allows(role.policies, "ssm:GetParameter", arn)) {
    throw new BootError(`auth: AccessDeniedException: ssm:GetParameter on ${arn}`);
  }
  const secret = await cloud.parameter(instance.region, auth.name);
  if (!secret) throw new BootError(`auth: ParameterNotFound: ${auth.name}`);
  const isClient = secret.startsWith("tskey-client-");
  if (auth.oauthClient && !isClient) throw new BootError(`auth: ${auth.name} holds no OAuth client secret`);
  // The bootstrap adds these: without them the device would be ephemeral and wait for approval.
  return {
    authKey: isClient && !secret.includes("?") ? `${secret}?ephemeral=false&preauthorized=true` : secret,
  };
}

function workloadIdentity(
  role: InstanceRole,
  auth: Extract<RelayAuth, { kind: "workload-identity" }>,
): Pick<Registration, "workloadIdentity"> {
  if (!allows(role.policies, "sts:GetWebIdentityToken", "*")) {
    throw new BootError("auth: AccessDenied: sts:GetWebIdentityToken");
  }
  const clientId = auth.clientId.includes("?")
    ? auth.clientId
    : `${auth.clientId}?ephemeral=false&preauthorized=true`;
  return { workloadIdentity: { clientId, audience: auth.audience, subject: role.arn } };
}
