export { releaseImage } from "./images";
export { leftovers } from "./leftovers";
export { motoPython, startAws, type Aws, type AwsOptions } from "./start";
