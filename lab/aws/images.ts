import type { Aws } from "./start";

/**
 * Releases a newer image of the system that a public SSM parameter names, as Debian or Canonical does every few weeks,
 * and moves the parameter to it. Known are `/aws/service/debian/release/{12,13}/latest/{arm64,amd64}` and
 * `/aws/service/canonical/ubuntu/server/{22.04,24.04}/stable/current/{arm64,amd64}/hvm/ebs-gp3/ami-id`.
 *
 * @returns the new image's id
 * @throws for any other parameter
 */
export async function releaseImage(
  aws: Pick<Aws, "endpoint">,
  region: string,
  parameter: string,
): Promise<string> {
  const query = new URLSearchParams({ region, parameter });
  const response = await fetch(`${aws.endpoint}/lab/ami?${query}`, { method: "POST" });
  const body = (await response.json()) as { imageId?: string; message?: string };
  if (!body.imageId) throw new Error(`no newer image for ${parameter} in ${region}: ${body.message}`);
  return body.imageId;
}
