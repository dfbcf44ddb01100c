import {
  AssociateRouteTableCommand,
  CreateRouteCommand,
  CreateRouteTableCommand,
  DeleteRouteCommand,
  DeleteRouteTableCommand,
  DescribeRouteTablesCommand,
  DisassociateRouteTableCommand,
  ReplaceRouteCommand,
} from "@aws-sdk/client-ec2";
import { text, type Props } from "../host";
import type { AwsKind } from "./kind";
import { allTags, readTags, tagSpecification, updateEc2Tags } from "./tags";

/** A route table; its routes are resources of their own. */
export const routeTable: AwsKind = {
  label: "Route Table",
  inputs: ["vpcId", "tags"],
  required: ["vpcId"],
  replaceOn: ["vpcId"],
  outputs: ["arn", "ownerId", "tagsAll"],
  async create(here, inputs) {
    const tags = tagSpecification("route-table", allTags(here, inputs));
    const request = { VpcId: text(inputs, "vpcId"), TagSpecifications: tags };
    const made = await here.ec2.send(new CreateRouteTableCommand(request));
    return { id: made.RouteTable?.RouteTableId ?? "" };
  },
  async read(here, id, state) {
    const found = (await here.ec2.send(new DescribeRouteTablesCommand({ RouteTableIds: [id] })))
      .RouteTables?.[0];
    if (!found) return undefined;
    const { tags, tagsAll } = readTags(here, found.Tags, state);
    return {
      inputs: { vpcId: found.VpcId, tags },
      outputs: {
        arn: `arn:${here.partition}:ec2:${here.region}:${found.OwnerId}:route-table/${id}`,
        ownerId: found.OwnerId,
        tagsAll,
      },
    };
  },
  update: updateEc2Tags,
  async delete(here, id) {
    await here.ec2.send(new DeleteRouteTableCommand({ RouteTableId: id }));
  },
};

function routeKey(inputs: Props) {
  return {
    RouteTableId: text(inputs, "routeTableId"),
    DestinationCidrBlock: text(inputs, "destinationCidrBlock"),
    DestinationIpv6CidrBlock: text(inputs, "destinationIpv6CidrBlock"),
  };
}

function routeRequest(inputs: Props) {
  return { ...routeKey(inputs), GatewayId: text(inputs, "gatewayId") };
}

/** One route to a gateway, for IPv4 or IPv6. AWS gives routes no id; this one names table and destination. */
export const route: AwsKind = {
  label: "Route in Route Table",
  inputs: ["destinationCidrBlock", "destinationIpv6CidrBlock", "gatewayId", "routeTableId"],
  required: ["routeTableId"],
  replaceOn: ["destinationCidrBlock", "destinationIpv6CidrBlock", "routeTableId"],
  outputs: ["origin", "state"],
  async create(here, inputs) {
    await here.ec2.send(new CreateRouteCommand(routeRequest(inputs)));
    const destination = text(inputs, "destinationCidrBlock") ?? text(inputs, "destinationIpv6CidrBlock");
    return { id: `r-${text(inputs, "routeTableId")}_${destination}` };
  },
  async read(here, _id, state) {
    const request = { RouteTableIds: [text(state, "routeTableId") ?? ""] };
    const table = (await here.ec2.send(new DescribeRouteTablesCommand(request))).RouteTables?.[0];
    const v4 = text(state, "destinationCidrBlock");
    const v6 = text(state, "destinationIpv6CidrBlock");
    const found = table?.Routes?.find((candidate) =>
      v4 ? candidate.DestinationCidrBlock === v4 : candidate.DestinationIpv6CidrBlock === v6,
    );
    if (!found) return undefined;
    return { inputs: { gatewayId: found.GatewayId }, outputs: { origin: found.Origin, state: found.State } };
  },
  async update(here, _id, inputs) {
    await here.ec2.send(new ReplaceRouteCommand(routeRequest(inputs)));
  },
  async delete(here, _id, state) {
    await here.ec2.send(new DeleteRouteCommand(routeKey(state)));
  },
};

/** The tie between a subnet (or gateway) and its route table. The real provider can also change the table in place. */
export const routeTableAssociation: AwsKind = {
  label: "Route Table Association",
  inputs: ["gatewayId", "routeTableId", "subnetId"],
  required: ["routeTableId"],
  outputs: [],
  async create(here, inputs) {
    const made = await here.ec2.send(
      new AssociateRouteTableCommand({
        RouteTableId: text(inputs, "routeTableId"),
        SubnetId: text(inputs, "subnetId"),
        GatewayId: text(inputs, "gatewayId"),
      }),
    );
    return { id: made.AssociationId ?? "" };
  },
  async read(here, id) {
    const filter = { Name: "association.route-table-association-id", Values: [id] };
    const tables = await here.ec2.send(new DescribeRouteTablesCommand({ Filters: [filter] }));
    const found = tables.RouteTables?.[0]?.Associations?.find((item) => item.RouteTableAssociationId === id);
    if (!found) return undefined;
    return {
      inputs: { gatewayId: found.GatewayId, routeTableId: found.RouteTableId, subnetId: found.SubnetId },
      outputs: {},
    };
  },
  async delete(here, id) {
    await here.ec2.send(new DisassociateRouteTableCommand({ AssociationId: id }));
  },
};
