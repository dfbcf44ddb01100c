import type * as pulumi from "@pulumi/pulumi";
import { connectTailnet, TailnetClient } from "./client";
import { readCredentials } from "./credentials";

/** The tailnet that the running stack's config and environment name; for use inside dynamic providers. */
export function connectToTailnet(config: pulumi.dynamic.Config | undefined): TailnetClient {
  return connectTailnet(readCredentials((key) => config?.get(`tailscale:${key}`), process.env));
}
