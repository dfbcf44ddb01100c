import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { relayZones, zonesOffering } from "../../../components";
import { type Answers, runOnMocks } from "./mocks";

/** A region in which three zones offer the type, by what the default VPC has in each of its zones. */
function region(subnets: { zone: string; ipv6?: boolean }[]): Answers {
  return {
    "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": () => ({
      locations: ["eu-central-1c", "eu-central-1a", "eu-central-1b", "eu-central-1a"],
    }),
    "aws:ec2/getVpc:getVpc": () => ({ id: "vpc-1" }),
    "aws:ec2/getSubnets:getSubnets": () => ({ ids: subnets.map((_, index) => `subnet-${index}`) }),
    "aws:ec2/getSubnet:getSubnet": ({ id }) => {
      const { zone, ipv6 } = subnets[Number(String(id).slice("subnet-".length))]!;
      return { id, availabilityZone: zone, ipv6CidrBlock: ipv6 ? "2001:db8::/64" : "" };
    },
  };
}

const [a, c, d] = ["a", "c", "d"].map((letter) => ({ zone: `eu-central-1${letter}` })) as [
  { zone: string },
  { zone: string },
  { zone: string },
];

async function choose(answers: Answers, args: { instanceType?: string; ipv6?: boolean } = {}) {
  const { resources } = await runOnMocks(async () => void (await relayZones("relay", 3, args)), answers);
  const chosen = [...resources.values()].filter(({ type }) => type.endsWith("KeptValue"));
  return chosen.map(({ name, inputs: { key, value } }) => [name, key, value].join(" "));
}

describe("The zones of relays in the default VPC", () => {
  it("are those that offer the type and have a default subnet, in turn", async () => {
    assert.deepEqual(await choose(region([d, c, a])), [
      "relay-1-zone t4g.small eu-central-1a",
      "relay-2-zone t4g.small eu-central-1c",
      "relay-3-zone t4g.small eu-central-1a",
    ]);
  });

  it("have an IPv6 block where the relays want one, and are chosen anew when that changes", async () => {
    const answers = region([a, { ...c, ipv6: true }]);
    assert.deepEqual(await choose(answers, { ipv6: true, instanceType: "c7gn.large" }), [
      "relay-1-zone c7gn.large ipv6 eu-central-1c",
      "relay-2-zone c7gn.large ipv6 eu-central-1c",
      "relay-3-zone c7gn.large ipv6 eu-central-1c",
    ]);
  });

  const ways = 'Use network: "create" .*, or subnetId \\(in a stack file subnetIds\\) for a public subnet';
  for (const [what, answers, args, error] of [
    ["there is no default subnet", region([]), {}, `the default VPC has no default subnet\\. ${ways}`],
    [
      "the type is offered elsewhere only",
      region([d]),
      {},
      `instanceType must be offered in a zone that has a default subnet \\(eu-central-1d\\), got "t4g.small", which is ` +
        `offered in eu-central-1a, eu-central-1b, eu-central-1c only\\. ${ways}`,
    ],
    [
      "IPv6 is wanted and no default subnet has any",
      region([a, d]),
      { ipv6: true },
      "ipv6 must go with a subnet that has an IPv6 block, got true with subnet-0 \\(eu-central-1a\\), subnet-1 " +
        '\\(eu-central-1d\\) without one\\. Use network: "create", or add an IPv6 block',
    ],
    [
      "AWS can't be asked",
      {
        ...region([a]),
        "aws:ec2/getSubnets:getSubnets": () => {
          throw new Error("dial tcp:\n connection refused");
        },
      },
      {},
      "AWS did not answer the look-up of the default subnets; are the credentials, .* right\\? ",
    ],
  ] as [string, Answers, { ipv6?: boolean }, string][]) {
    it(`are not chosen when ${what}, and one line says so`, async () => {
      await assert.rejects(choose(answers, args), (thrown: Error) => {
        assert.match(thrown.message, new RegExp(error));
        // Pulumi prints these without a stack trace.
        assert.deepEqual([pulumi.RunError.isInstance(thrown), thrown.message.includes("\n")], [true, false]);
        return true;
      });
    });
  }

  it("that offer a type: none is an error that names the argument", async () => {
    const none = { "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": () => ({ locations: [] }) };
    const asked = runOnMocks(async () => void (await zonesOffering("x9.huge")), none);
    await assert.rejects(asked, /^Error: instanceType must be offered in this region, got "x9\.huge"/);
  });
});
