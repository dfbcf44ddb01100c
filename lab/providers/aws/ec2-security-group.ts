import {
  AuthorizeSecurityGroupEgressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  DescribeSecurityGroupRulesCommand,
  DescribeSecurityGroupsCommand,
  ModifySecurityGroupRulesCommand,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
  type IpPermission,
} from "@aws-sdk/client-ec2";
import { number, text, type Props } from "../host";
import type { Regional } from "./context";
import type { AwsKind } from "./kind";
import { allTags, readTags, tagSpecification, updateEc2Tags } from "./tags";

/** A security group without inline rules. Like the real provider, it takes away AWS's default "allow all" egress rule. */
export const securityGroup: AwsKind = {
  label: "Security Group",
  inputs: ["name", "description", "vpcId", "revokeRulesOnDelete", "tags"],
  defaults: { description: "Managed by Pulumi", revokeRulesOnDelete: false },
  autoname: "name",
  replaceOn: ["name", "description", "vpcId"],
  chosen: ["vpcId"],
  outputs: ["arn", "ownerId", "tagsAll"],
  async create(here, inputs) {
    const made = await here.ec2.send(
      new CreateSecurityGroupCommand({
        GroupName: text(inputs, "name"),
        Description: text(inputs, "description"),
        VpcId: text(inputs, "vpcId"),
        TagSpecifications: tagSpecification("security-group", allTags(here, inputs)),
      }),
    );
    await revokeAllEgress(here, made.GroupId ?? "");
    return { id: made.GroupId ?? "" };
  },
  async read(here, id, state) {
    const found = await here.ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [id] }));
    const group = found.SecurityGroups?.[0];
    if (!group) return undefined;
    const { tags, tagsAll } = readTags(here, group.Tags, state);
    return {
      inputs: { name: group.GroupName, description: group.Description, vpcId: group.VpcId, tags },
      outputs: {
        arn: `arn:${here.partition}:ec2:${here.region}:${group.OwnerId}:security-group/${id}`,
        ownerId: group.OwnerId,
        tagsAll,
      },
    };
  },
  update: updateEc2Tags,
  async delete(here, id) {
    await here.ec2.send(new DeleteSecurityGroupCommand({ GroupId: id }));
  },
};

async function revokeAllEgress(here: Regional, group: string): Promise<void> {
  const found = await here.ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [group] }));
  for (const permission of found.SecurityGroups?.[0]?.IpPermissionsEgress ?? []) {
    await here.ec2.send(
      new RevokeSecurityGroupEgressCommand({ GroupId: group, IpPermissions: [permission] }),
    );
  }
}

/** One ingress or egress rule, with the identity that AWS gives it (`sgr-`). */
function securityGroupRule(egress: boolean): AwsKind {
  return {
    label: `VPC Security Group ${egress ? "Egress" : "Ingress"} Rule`,
    inputs: [
      "securityGroupId",
      "ipProtocol",
      "fromPort",
      "toPort",
      "cidrIpv4",
      "cidrIpv6",
      "prefixListId",
      "referencedSecurityGroupId",
      "description",
      "tags",
    ],
    required: ["securityGroupId", "ipProtocol"],
    replaceOn: ["securityGroupId"],
    outputs: ["arn", "securityGroupRuleId", "tagsAll"],
    async create(here, inputs) {
      const request = {
        GroupId: text(inputs, "securityGroupId"),
        IpPermissions: [permission(inputs)],
        TagSpecifications: tagSpecification("security-group-rule", allTags(here, inputs)),
      };
      const made = egress
        ? await here.ec2.send(new AuthorizeSecurityGroupEgressCommand(request))
        : await here.ec2.send(new AuthorizeSecurityGroupIngressCommand(request));
      return { id: made.SecurityGroupRules?.[0]?.SecurityGroupRuleId ?? "" };
    },
    async read(here, id, state) {
      const found = await here.ec2.send(
        new DescribeSecurityGroupRulesCommand({ SecurityGroupRuleIds: [id] }),
      );
      const rule = found.SecurityGroupRules?.[0];
      if (!rule) return undefined;
      const { tags, tagsAll } = readTags(here, rule.Tags, state);
      const ports = rule.IpProtocol === "-1" ? {} : { fromPort: rule.FromPort, toPort: rule.ToPort };
      return {
        inputs: {
          securityGroupId: rule.GroupId,
          ipProtocol: rule.IpProtocol,
          ...ports,
          cidrIpv4: rule.CidrIpv4,
          cidrIpv6: rule.CidrIpv6,
          prefixListId: rule.PrefixListId,
          referencedSecurityGroupId: rule.ReferencedGroupInfo?.GroupId,
          description: rule.Description,
          tags,
        },
        outputs: {
          arn: `arn:${here.partition}:ec2:${here.region}:${rule.GroupOwnerId}:security-group-rule/${id}`,
          securityGroupRuleId: id,
          tagsAll,
        },
      };
    },
    async update(here, id, inputs, change) {
      await updateEc2Tags(here, id, inputs, change);
      if (change.changed.every((key) => key === "tags")) return;
      await here.ec2.send(
        new ModifySecurityGroupRulesCommand({
          GroupId: text(inputs, "securityGroupId"),
          SecurityGroupRules: [{ SecurityGroupRuleId: id, SecurityGroupRule: ruleRequest(inputs) }],
        }),
      );
    },
    async delete(here, id, state) {
      const request = { GroupId: text(state, "securityGroupId"), SecurityGroupRuleIds: [id] };
      if (egress) await here.ec2.send(new RevokeSecurityGroupEgressCommand(request));
      else await here.ec2.send(new RevokeSecurityGroupIngressCommand(request));
    },
  };
}

export const securityGroupIngressRule = securityGroupRule(false);
export const securityGroupEgressRule = securityGroupRule(true);

function permission(inputs: Props): IpPermission {
  const Description = text(inputs, "description");
  const [v4, v6] = [text(inputs, "cidrIpv4"), text(inputs, "cidrIpv6")];
  const [group, list] = [text(inputs, "referencedSecurityGroupId"), text(inputs, "prefixListId")];
  return {
    IpProtocol: text(inputs, "ipProtocol"),
    FromPort: number(inputs, "fromPort"),
    ToPort: number(inputs, "toPort"),
    IpRanges: v4 ? [{ CidrIp: v4, Description }] : undefined,
    Ipv6Ranges: v6 ? [{ CidrIpv6: v6, Description }] : undefined,
    UserIdGroupPairs: group ? [{ GroupId: group, Description }] : undefined,
    PrefixListIds: list ? [{ PrefixListId: list, Description }] : undefined,
  };
}

function ruleRequest(inputs: Props) {
  return {
    IpProtocol: text(inputs, "ipProtocol"),
    FromPort: number(inputs, "fromPort") ?? -1,
    ToPort: number(inputs, "toPort") ?? -1,
    CidrIpv4: text(inputs, "cidrIpv4"),
    CidrIpv6: text(inputs, "cidrIpv6"),
    PrefixListId: text(inputs, "prefixListId"),
    ReferencedGroupId: text(inputs, "referencedSecurityGroupId"),
    Description: text(inputs, "description"),
  };
}
