import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { ResolvedArgs } from "../peer-relay-args";

/** tailscaled's own port, for direct connections to the relay host itself. */
const TAILSCALED_PORT = 41641;

/**
 * The relay's security group: the relay port in, everything out, never SSH. Ingress from everywhere together with
 * egress to everywhere is what lets EC2 forward these flows without tracking them.
 */
export function relayFirewall(
  name: string,
  args: ResolvedArgs,
  vpcId: pulumi.Input<string>,
  tags: Record<string, string>,
  parent: pulumi.Resource,
): aws.ec2.SecurityGroup {
  const group = new aws.ec2.SecurityGroup(
    `${name}-firewall`,
    { description: "Tailscale peer relay", vpcId, tags },
    { parent },
  );
  const children = { parent: group };
  // One resource for each block, whatever the port, so that another port changes the rule in place.
  const open = (what: string, port: number, description: string) => {
    for (const cidr of args.allowedCidrs) {
      new aws.vpc.SecurityGroupIngressRule(
        `${name}-${what}-${cidr.replace(/:/g, "_").replace("/", "-")}`,
        {
          securityGroupId: group.id,
          ipProtocol: "udp",
          fromPort: port,
          toPort: port,
          description,
          tags,
          ...block(cidr),
        },
        children,
      );
    }
  };
  if (args.enabled) open("relay-from", args.port, "Peer relay");
  if (args.directPath) open("direct-from", TAILSCALED_PORT, "Direct paths to the relay host itself");
  for (const [family, cidr] of Object.entries({ v4: "0.0.0.0/0", v6: "::/0" })) {
    new aws.vpc.SecurityGroupEgressRule(
      `${name}-egress-${family}`,
      { securityGroupId: group.id, ipProtocol: "-1", description: "Everything out", tags, ...block(cidr) },
      children,
    );
  }
  return group;
}

function block(cidr: string): { cidrIpv4: string } | { cidrIpv6: string } {
  return cidr.includes(":") ? { cidrIpv6: cidr } : { cidrIpv4: cidr };
}
