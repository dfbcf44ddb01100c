import {
  DescribeNetworkAclsCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
} from "@aws-sdk/client-ec2";
import type { Regional } from "./context";

/** What AWS makes together with a VPC. */
export async function defaultsOfVpc(here: Regional, id: string): Promise<Record<string, string | undefined>> {
  const ofVpc = { Name: "vpc-id", Values: [id] };
  const [tables, groups, acls] = await Promise.all([
    here.ec2.send(
      new DescribeRouteTablesCommand({ Filters: [ofVpc, { Name: "association.main", Values: ["true"] }] }),
    ),
    here.ec2.send(
      new DescribeSecurityGroupsCommand({ Filters: [ofVpc, { Name: "group-name", Values: ["default"] }] }),
    ),
    here.ec2.send(
      new DescribeNetworkAclsCommand({ Filters: [ofVpc, { Name: "default", Values: ["true"] }] }),
    ),
  ]);
  const main = tables.RouteTables?.[0]?.RouteTableId;
  return {
    mainRouteTableId: main,
    defaultRouteTableId: main,
    defaultSecurityGroupId: groups.SecurityGroups?.[0]?.GroupId,
    defaultNetworkAclId: acls.NetworkAcls?.[0]?.NetworkAclId,
  };
}
