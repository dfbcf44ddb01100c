import assert from "node:assert/strict";
import { checkRelaySubnet } from "../../../components";
import { checkedZone } from "../../../components/aws/default-vpc";
import { type Answers, runOnMocks } from "./mocks";

const ZONES = ["eu-central-1a", "eu-central-1b"];

/** A VPC with a default subnet in each of two zones; `ipv6` are those that have an IPv6 block. */
function vpc(...ipv6: string[]): Answers {
  return {
    "aws:ec2/getSubnets:getSubnets": ({ filters }) => {
      const asked = (filters as { name: string; values: string[] }[]).find(
        ({ name }) => name === "availability-zone",
      );
      return {
        ids: ZONES.filter((zone) => !asked || asked.values.includes(zone)).map((zone) => `in-${zone}`),
      };
    },
    "aws:ec2/getSubnet:getSubnet": ({ id }) => {
      const zone = String(id).slice("in-".length);
      const ipv6CidrBlock = ipv6.includes(zone) ? "2001:db8::/64" : "";
      return { id, vpcId: "vpc-1", availabilityZone: zone, ipv6CidrBlock };
    },
    "aws:ec2/getRouteTables:getRouteTables": () => ({ ids: ["rtb-1"] }),
    "aws:ec2/getRouteTable:getRouteTable": () => ({
      routes: [{ cidrBlock: "0.0.0.0/0", gatewayId: "igw-1" }],
    }),
  };
}

/** What a check says on this VPC. */
async function saidBy(check: () => Promise<unknown>, answers: Answers): Promise<string> {
  let said = "nothing";
  const note = (error: Error) => void (said = error.message);
  await runOnMocks(() => check().then(() => undefined, note), answers);
  return said;
}

const LACKING = (subnets: string) =>
  `ipv6 must go with a subnet that has an IPv6 block, got true with ${subnets} without one. Use network: "create", or ` +
  "add an IPv6 block to the VPC and to the subnet, and a route for ::/0 to its internet gateway.";

describe("The subnet of a relay", () => {
  for (const [what, zone, ipv6, answers, said] of [
    ["any zone", undefined, false, vpc(), "nothing"],
    ["a zone with a default subnet", "eu-central-1a", false, vpc(), "nothing"],
    ["a zone with an IPv6 block, for IPv6", "eu-central-1b", true, vpc("eu-central-1b"), "nothing"],
    [
      "a zone without an IPv6 block, for IPv6",
      "eu-central-1a",
      true,
      vpc("eu-central-1b"),
      LACKING("in-eu-central-1a (eu-central-1a)"),
    ],
    [
      "any zone, of which one lacks an IPv6 block, for IPv6",
      undefined,
      true,
      vpc("eu-central-1b"),
      LACKING("in-eu-central-1a (eu-central-1a)"),
    ],
    [
      "a zone without a default subnet",
      "eu-central-1c",
      false,
      vpc(),
      'availabilityZone must be one in which the default VPC has a default subnet, got "eu-central-1c". Use network: ' +
        '"create" for a small VPC of the relay\'s own, or subnetId (in a stack file subnetIds) for a public subnet of yours.',
    ],
  ] as [string, string | undefined, boolean, Answers, string][]) {
    it(`in the default VPC, ${what}: ${said === "nothing" ? "is taken" : "is refused"}`, async () => {
      assert.equal(await saidBy(() => checkedZone("vpc-1", zone, ipv6), answers), said);
    });
  }

  it("of the user's own must have an IPv6 block where IPv6 is asked for", async () => {
    const [id, check] = ["in-eu-central-1a", (ipv6?: boolean) => () => checkRelaySubnet(id, { ipv6 })];
    assert.deepEqual(
      [
        await saidBy(check(), vpc()),
        await saidBy(check(true), vpc("eu-central-1a")),
        await saidBy(check(true), vpc()),
      ],
      ["nothing", "nothing", LACKING("in-eu-central-1a (eu-central-1a)")],
    );
  });
});
