import {
  DescribeImagesCommand,
  DescribeInstanceTypeOfferingsCommand,
  DescribeInstanceTypesCommand,
  type RunInstancesCommandInput,
} from "@aws-sdk/client-ec2";
import { GetParameterCommand } from "@aws-sdk/client-ssm";
import { flag, text, texts } from "../host";
import { during } from "./api-error";
import { filtersOf, single, tagsObject, type Lookup } from "./lookups";

export const getParameter: Lookup = async (here, args) => {
  const name = text(args, "name") ?? "";
  const WithDecryption = flag(args, "withDecryption") ?? true;
  const found = await during(`reading SSM Parameter (${name})`, () =>
    here.ssm.send(new GetParameterCommand({ Name: name, WithDecryption })),
  );
  const parameter = found.Parameter;
  return {
    arn: parameter?.ARN,
    id: parameter?.Name,
    insecureValue: parameter?.Type === "SecureString" ? undefined : parameter?.Value,
    name: parameter?.Name,
    type: parameter?.Type,
    value: parameter?.Value,
    version: parameter?.Version,
    withDecryption: WithDecryption,
  };
};

export const getAmi: Lookup = async (here, args) => {
  const owners = texts(args, "owners");
  const request = { Filters: filtersOf(args), Owners: owners.length > 0 ? owners : undefined };
  const images = (await here.ec2.send(new DescribeImagesCommand(request))).Images ?? [];
  const pattern = text(args, "nameRegex");
  const found = images.filter((image) => !pattern || new RegExp(pattern).test(image.Name ?? ""));
  if (found.length === 0) {
    throw new Error("Your query returned no results. Please change your search criteria and try again.");
  }
  if (found.length > 1 && !flag(args, "mostRecent")) {
    throw new Error(
      "Your query returned more than one result. Please try a more specific search criteria, or set `most_recent` attribute to true.",
    );
  }
  found.sort((a, b) => (b.CreationDate ?? "").localeCompare(a.CreationDate ?? ""));
  const image = single(found.slice(0, 1), "EC2 AMI");
  return {
    architecture: image.Architecture,
    arn: `arn:${here.partition}:ec2:${here.region}::image/${image.ImageId}`,
    bootMode: image.BootMode,
    creationDate: image.CreationDate,
    description: image.Description ?? "",
    hypervisor: image.Hypervisor,
    id: image.ImageId,
    imageId: image.ImageId,
    imageLocation: image.ImageLocation ?? "",
    imageOwnerAlias: image.ImageOwnerAlias ?? "",
    imageType: image.ImageType,
    name: image.Name,
    ownerId: image.OwnerId,
    public: image.Public,
    rootDeviceName: image.RootDeviceName,
    rootDeviceType: image.RootDeviceType,
    state: image.State,
    tags: tagsObject(image.Tags),
    virtualizationType: image.VirtualizationType,
  };
};

export const getInstanceTypeOfferings: Lookup = async (here, args) => {
  const LocationType = text(args, "locationType") as "region" | "availability-zone" | undefined;
  const request = { LocationType, Filters: filtersOf(args) };
  const offers =
    (await here.ec2.send(new DescribeInstanceTypeOfferingsCommand(request))).InstanceTypeOfferings ?? [];
  return {
    id: here.region,
    instanceTypes: offers.map((offer) => offer.InstanceType ?? ""),
    locations: offers.map((offer) => offer.Location ?? ""),
    locationTypes: offers.map((offer) => offer.LocationType ?? ""),
  };
};

export const getInstanceType: Lookup = async (here, args) => {
  const name = text(args, "instanceType") ?? "";
  const InstanceTypes = [name as NonNullable<RunInstancesCommandInput["InstanceType"]>];
  const found = await during(`reading EC2 Instance Type (${name})`, () =>
    here.ec2.send(new DescribeInstanceTypesCommand({ InstanceTypes })),
  );
  const type = single(found.InstanceTypes, "EC2 Instance Type");
  return {
    burstablePerformanceSupported: type.BurstablePerformanceSupported,
    currentGeneration: type.CurrentGeneration,
    defaultVcpus: type.VCpuInfo?.DefaultVCpus,
    id: name,
    instanceType: name,
    ipv6Supported: type.NetworkInfo?.Ipv6Supported,
    memorySize: type.MemoryInfo?.SizeInMiB,
    networkPerformance: type.NetworkInfo?.NetworkPerformance,
    supportedArchitectures: type.ProcessorInfo?.SupportedArchitectures,
  };
};
