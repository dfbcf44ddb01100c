import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startAws, type Aws, type AwsOptions } from "../../../lab/aws";

/** One AWS API for a test file: started before its tests, ended after them. */
export function awsForTests(options: Partial<AwsOptions> = {}): { readonly aws: Aws } {
  let running: Aws | undefined;
  let dir: string | undefined;
  before(async function () {
    this.timeout(60_000);
    dir = mkdtempSync(join(tmpdir(), "peer-relay-aws-"));
    running = await startAws({ dir, ...options });
  });
  after(async () => {
    await running?.close();
    if (dir) rmSync(dir, { recursive: true });
  });
  return {
    get aws() {
      if (!running) throw new Error("the AWS API is not running yet");
      return running;
    },
  };
}

/** What SDK clients need for it. */
export function clientConfig(aws: Aws, region = "eu-central-1") {
  return {
    endpoint: aws.endpoint,
    region,
    credentials: { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "EXAMPLE" },
  };
}

/** The AWS error code that a request fails with; "ok" when it does not. */
export async function outcome(request: Promise<unknown>): Promise<string> {
  return request.then(
    () => "ok",
    (error: Error & { Code?: string }) => error.Code ?? error.name,
  );
}
