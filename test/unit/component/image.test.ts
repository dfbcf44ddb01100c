import assert from "node:assert/strict";
import { architectureOf, imageParameter } from "../../../components/aws/image";

describe("The image", () => {
  it("tells arm64 from x86_64 by the instance type", () => {
    const types = {
      arm64: [
        "t4g.small",
        "c7gn.large",
        "m6gd.medium",
        "im4gn.large",
        "is4gen.medium",
        "x2gd.medium",
        "g5g.xlarge",
        "a1.medium",
        "hpc7g.4xlarge",
        "m8g.medium",
      ],
      x86_64: [
        "t3.small",
        "t3a.nano",
        "m7i-flex.large",
        "c5n.large",
        "g4dn.xlarge",
        "g5.xlarge",
        "u-6tb1.metal",
        "inf1.xlarge",
      ],
    };
    for (const [architecture, names] of Object.entries(types)) {
      assert.deepEqual(
        names.map(architectureOf),
        names.map(() => architecture),
        architecture,
      );
    }
  });

  it("is the newest of each system in AWS's public parameters", () => {
    assert.deepEqual(
      [
        imageParameter("debian", "arm64"),
        imageParameter("ubuntu", "x86_64"),
        imageParameter("amazon-linux", "x86_64"),
      ],
      [
        "/aws/service/debian/release/12/latest/arm64",
        "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id",
        "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
      ],
    );
  });
});
