/** Serves, inside the test's world: instance metadata, SSM and the download mirror. Argument: the world's directory. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { awsGate } from "../../lab/hosts/gate";
import { listen, metadataServer } from "../../lab/hosts/metadata";
import { fileServer } from "../../lab/hosts/mirror";
import { gateOf, metadataOf, type AwsWorld } from "./aws-mock";

/** What the test may change while the world runs. */
export interface WorldControl extends AwsWorld {
  /** False: the mirror closes every connection. */
  mirror: boolean;
}

const [directory = "."] = process.argv.slice(2);
const control = (): WorldControl =>
  JSON.parse(readFileSync(join(directory, "control.json"), "utf8")) as WorldControl;

void listen(
  metadataServer(() => metadataOf(control())),
  "169.254.169.254",
  80,
);
void listen(awsGate(gateOf(control)), "203.0.113.10", 8000);
void listen(
  fileServer(join(directory, "mirror"), () => control().mirror),
  "203.0.113.10",
  80,
);
