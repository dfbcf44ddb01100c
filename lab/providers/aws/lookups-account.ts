import { DescribeAvailabilityZonesCommand } from "@aws-sdk/client-ec2";
import { flag, text, texts } from "../host";
import { filtersOf, type Lookup } from "./lookups";

export const getRegion: Lookup = async (here) => ({
  description: here.region,
  endpoint: `ec2.${here.region}.amazonaws.com`,
  id: here.region,
  name: here.region,
  region: here.region,
});

export const getPartition: Lookup = async (here) => {
  const dnsSuffix = here.partition === "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com";
  return {
    dnsSuffix,
    id: here.partition,
    partition: here.partition,
    reverseDnsPrefix: dnsSuffix.split(".").reverse().join("."),
  };
};

/** Asked over plain HTTP: the lab checks no signatures, and a whole client for one call is not worth its start-up time. */
export const getCallerIdentity: Lookup = async (here) => {
  const scope = `${here.accessKeyId}/20260101/${here.region}/sts/aws4_request`;
  const response = await fetch(here.endpoint, {
    method: "POST",
    headers: {
      authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=unchecked`,
      "content-type": "application/x-www-form-urlencoded; charset=utf-8",
    },
    body: "Action=GetCallerIdentity&Version=2011-06-15",
  });
  const body = await response.text();
  const field = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(body)?.[1];
  const accountId = field("Account");
  if (!accountId) throw new Error(`operation error STS: GetCallerIdentity, StatusCode: ${response.status}`);
  return { accountId, arn: field("Arn"), id: accountId, userId: field("UserId") };
};

export const getAvailabilityZones: Lookup = async (here, args) => {
  const request = new DescribeAvailabilityZonesCommand({
    AllAvailabilityZones: flag(args, "allAvailabilityZones"),
    Filters: filtersOf(args, { state: text(args, "state") }),
  });
  const excluded = texts(args, "excludeNames");
  const zones = ((await here.ec2.send(request)).AvailabilityZones ?? [])
    .filter((zone) => !excluded.includes(zone.ZoneName ?? ""))
    .sort((a, b) => (a.ZoneName ?? "").localeCompare(b.ZoneName ?? ""));
  return {
    groupNames: [...new Set(zones.map((zone) => zone.GroupName ?? here.region))],
    id: here.region,
    names: zones.map((zone) => zone.ZoneName ?? ""),
    zoneIds: zones.map((zone) => zone.ZoneId ?? ""),
  };
};
