import type { Provider } from "../host";
import { configure, type Aws } from "./context";
import { eip, eipAssociation } from "./ec2-address";
import { instance } from "./ec2-instance";
import { internetGateway } from "./ec2-internet-gateway";
import { subnet } from "./ec2-subnet";
import { vpc } from "./ec2-vpc";
import { route, routeTable, routeTableAssociation } from "./ec2-routes";
import { securityGroup, securityGroupEgressRule, securityGroupIngressRule } from "./ec2-security-group";
import { instanceProfile } from "./iam-instance-profile";
import { role, rolePolicy, rolePolicyAttachment } from "./iam-role";
import { awsKind } from "./kind";
import { awsLookup, type Lookup } from "./lookups";
import { getAvailabilityZones, getCallerIdentity, getPartition, getRegion } from "./lookups-account";
import { getAmi, getInstanceType, getInstanceTypeOfferings, getParameter } from "./lookups-images";
import { getRouteTable, getRouteTables, getSubnet, getSubnets, getVpc } from "./lookups-network";
import { parameter } from "./ssm";

const lookups: Record<string, Lookup> = {
  "aws:ec2/getAmi:getAmi": getAmi,
  "aws:ec2/getInstanceType:getInstanceType": getInstanceType,
  "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": getInstanceTypeOfferings,
  "aws:ec2/getRouteTable:getRouteTable": getRouteTable,
  "aws:ec2/getRouteTables:getRouteTables": getRouteTables,
  "aws:ec2/getSubnet:getSubnet": getSubnet,
  "aws:ec2/getSubnets:getSubnets": getSubnets,
  "aws:ec2/getVpc:getVpc": getVpc,
  "aws:index/getAvailabilityZones:getAvailabilityZones": getAvailabilityZones,
  "aws:index/getCallerIdentity:getCallerIdentity": getCallerIdentity,
  "aws:index/getPartition:getPartition": getPartition,
  "aws:index/getRegion:getRegion": getRegion,
  "aws:ssm/getParameter:getParameter": getParameter,
};

/**
 * The stand-in for @pulumi/aws: the kinds and functions that PeerRelay uses, over the AWS SDK, against a lab. Where it is
 * known to differ from the real provider, the kind says so.
 */
export const provider: Provider<Aws> = {
  name: "aws",
  kinds: {
    "aws:ec2/eip:Eip": awsKind(eip),
    "aws:ec2/eipAssociation:EipAssociation": awsKind(eipAssociation),
    "aws:ec2/instance:Instance": awsKind(instance),
    "aws:ec2/internetGateway:InternetGateway": awsKind(internetGateway),
    "aws:ec2/route:Route": awsKind(route),
    "aws:ec2/routeTable:RouteTable": awsKind(routeTable),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": awsKind(routeTableAssociation),
    "aws:ec2/securityGroup:SecurityGroup": awsKind(securityGroup),
    "aws:ec2/subnet:Subnet": awsKind(subnet),
    "aws:ec2/vpc:Vpc": awsKind(vpc),
    "aws:iam/instanceProfile:InstanceProfile": awsKind(instanceProfile, true),
    "aws:iam/role:Role": awsKind(role, true),
    "aws:iam/rolePolicy:RolePolicy": awsKind(rolePolicy, true),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": awsKind(rolePolicyAttachment, true),
    "aws:ssm/parameter:Parameter": awsKind(parameter),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": awsKind(securityGroupEgressRule),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": awsKind(securityGroupIngressRule),
  },
  invokes: Object.fromEntries(
    Object.entries(lookups).map(([token, lookup]) => [token, awsLookup(token, lookup)]),
  ),
  configure: (config, signal) => configure(config, signal),
};
