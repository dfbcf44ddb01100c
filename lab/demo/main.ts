import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DescribeInstanceAttributeCommand, EC2Client } from "@aws-sdk/client-ec2";
import { Lab, makeStack, outputsOf, REPO, setConfig, Stack, startLab, startWholeLab, WholeLab } from "..";
import { leftovers } from "../aws";
import type { HostKind } from "../hosts";
import { tunIsUsable } from "../internet";
import type { RelayOutputs } from "./capture";
import { before } from "./packets";
import { renderPicture } from "./picture";
import { bold, dim, green, red, say, showDiff, step } from "./screen";

/**
 * The demo: the real `pulumi up` of two regions' stacks on one tailnet whose policy file is one of a real tailnet,
 * then a preview, another port, and both destroyed in turn. AWS and Tailscale are the lab's; the engine is real. Inside
 * `lab/internet/enter.sh` the instances boot, and packets of two devices go through the relays.
 */

const POLICY = "069-rajsinghtech.hujson";
/** What the demo leaves behind, on purpose: outside of the lab's own directory, which goes at the end. */
const ARTEFACTS = process.env.PEER_RELAY_DEMO_DIR ?? mkdtempSync(join(tmpdir(), "peer-relay-demo-"));

/** What instances are, when they are real; `scripts/demo` has prepared it. */
const KIND = (process.env.PEER_RELAY_DEMO_KIND || undefined) as HostKind | undefined;

const STACKS = { "prod-eu-central-1": "eu-central-1", "prod-us-east-1": "us-east-1" };

class Demo {
  private shown: string;
  private saved = 0;

  constructor(private readonly lab: Lab) {
    this.shown = lab.tailscale.policy.text;
    mkdirSync(ARTEFACTS, { recursive: true });
    this.save("policy-start.hujson", this.shown);
  }

  save(name: string, text: string): void {
    writeFileSync(join(ARTEFACTS, name), text);
  }

  /** Runs the engine, shows what it did to each resource, and ends the demo when it failed. */
  async pulumi(stack: Stack, args: string[]): Promise<void> {
    say(dim(`  $ pulumi ${args.join(" ")} --stack ${stack.name}`));
    const seen = new Set<string>();
    const { code, output } = await this.lab.engine.run(stack, args, (text) => {
      for (const line of text.split("\n").map((raw) => raw.trimEnd())) {
        if (!/ (created|updated|replaced|deleted)( |$)/.test(line) || seen.has(line)) continue;
        seen.add(line);
        say(`   ${line}`);
      }
    });
    this.save(`${String(++this.saved).padStart(2, "0")}-${args[0]}-${stack.name}.log`, output);
    if (code !== 0) throw new Error(`pulumi ${args.join(" ")} failed:\n${output}${this.consoles()}`);
    const summary = /(?:Resources:|Duration:)[\s\S]*$/.exec(output)?.[0].trim() ?? "";
    say(dim(summary.replace(/^/gm, "   ")));
  }

  /** The last words of the instances, which may know why. */
  private consoles(): string {
    const { instances } = this.lab;
    const last = (id: string) => instances.consoleOutput(id).slice(-10).join("\n");
    return instances
      .status()
      .map(({ instanceId: id }) => `\nThe console of ${id} ends with:\n${last(id)}`)
      .join("");
  }

  /** What the step did to the policy file. */
  policy(): void {
    const now = this.lab.tailscale.policy.text;
    showDiff("the tailnet's policy file", this.shown, now);
    this.save(`${String(this.saved).padStart(2, "0")}-policy.hujson`, now);
    this.shown = now;
  }

  async outputs(stack: Stack): Promise<RelayOutputs[]> {
    const outputs = (await outputsOf(this.lab.engine, stack)) as unknown as {
      relays: Omit<RelayOutputs, "region">[];
    };
    const region = STACKS[stack.name as keyof typeof STACKS];
    const relays = outputs.relays.map((relay) => ({ ...relay, region }));
    for (const relay of relays) {
      const { instanceId, endpoint, hostname, tailscaleIps } = relay;
      say(`   ${bold(hostname)}  ${endpoint}/udp  ${instanceId}  ${tailscaleIps[0]}`);
      await this.saveUserData(relay);
    }
    return relays;
  }

  private async saveUserData(relay: RelayOutputs): Promise<void> {
    const client = new EC2Client({
      region: relay.region,
      endpoint: this.lab.aws.endpoint,
      credentials: { accessKeyId: "lab", secretAccessKey: "lab" },
    });
    const { UserData } = await client.send(
      new DescribeInstanceAttributeCommand({ InstanceId: relay.instanceId, Attribute: "userData" }),
    );
    this.save(`${relay.hostname}.user-data`, Buffer.from(UserData?.Value ?? "", "base64").toString());
  }
}

const isWhole = (lab: Lab): lab is WholeLab => "dataPlane" in lab;

async function run(lab: Lab, original: string): Promise<boolean> {
  const demo = new Demo(lab);
  const start = isWhole(lab) ? await before(lab) : undefined;
  const config = {
    "peer-relay:clients": ["autogroup:member"],
    "peer-relay:ssmEndpoint": lab.aws.endpoint,
    "peer-relay:readyTimeoutSeconds": 120,
    ...(isWhole(lab) ? lab.stackConfig : {}),
  };
  const stacks: Stack[] = [];
  for (const name of Object.keys(STACKS)) {
    step(`A relay stack for ${name}: pulumi up`);
    const stack = await makeStack(lab.engine, name, config);
    stacks.push(stack);
    await demo.pulumi(stack, ["up", "--yes", "--skip-preview"]);
    const relays = await demo.outputs(stack);
    demo.policy();
    if (start && stacks.length === 1) {
      step(`The same two devices: ${bold("through the relay")}`);
      await start.devices.settleOn("peer-relay");
      await start.devices.show(relays);
      const after = await start.devices.state("peer-relay", relays);
      demo.save("topology.html", renderPicture({ before: start.state, after }));
    }
  }
  const [first, second] = stacks as [Stack, Stack];

  step("Nothing left to do: pulumi preview");
  for (const stack of stacks) await demo.pulumi(stack, ["preview", "--expect-no-changes"]);

  step(`Another port for ${first.name}: rules change in place, VM and key are replaced, the address stays`);
  setConfig(first, { "peer-relay:port": 41000 });
  await demo.pulumi(first, ["up", "--yes", "--skip-preview"]);
  await demo.outputs(first);
  demo.policy();

  for (const stack of [first, second]) {
    step(`Taking ${stack.name} back: pulumi destroy`);
    await demo.pulumi(stack, ["destroy", "--yes", "--skip-preview"]);
    demo.policy();
  }
  if (start) {
    step("The two devices, without relays");
    await start.devices.settleOn("DERP");
  }
  return verdict(lab, original);
}

/** Compares the end with the start, and says where everything can be looked at. */
async function verdict(lab: Lab, original: string): Promise<boolean> {
  const left = (await Promise.all(Object.values(STACKS).map((region) => leftovers(lab.aws, region)))).flat();
  const devices = (await lab.tailscale.devices()).filter((device) => device.tags);
  const identical = lab.tailscale.policy.text === original;
  const digest = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 16);
  const line = (ok: boolean, text: string) => say(`  ${ok ? green("yes") : red("NO ")}  ${text}`);
  step("At the end");
  line(
    identical,
    `policy file as at the start: sha256 ${digest(original)} -> ${digest(lab.tailscale.policy.text)}`,
  );
  line(left.length === 0, `nothing left in AWS${left.length ? `: ${left.join(", ")}` : ""}`);
  line(
    devices.length === 0,
    `no relay's device left in the tailnet${devices.length ? `: ${devices.length}` : ""}`,
  );
  cpSync(join(lab.dir, "state"), join(ARTEFACTS, "state"), { recursive: true });
  say(`\n  To look at: ${ARTEFACTS}`);
  say(
    dim(
      "    NN-up-<stack>.log      what the engine printed    NN-policy.hujson  the policy file after each step",
    ),
  );
  say(dim("    <relay>.user-data      what EC2 was given         state             the stacks' state files"));
  if (isWhole(lab))
    say(dim("    topology.html          a picture of the lab, with the path before and after"));
  say(
    dim(
      isWhole(lab)
        ? `  AWS and Tailscale's API were the lab's; engine, components, ${KIND === "process" ? "bootstrap" : "instances"}, tailscaled and packets are real.`
        : "  AWS and Tailscale were the lab's, and the instances simulated; the engine and the components are real.",
    ),
  );
  return identical && left.length === 0 && devices.length === 0;
}

/** What this run cannot show, and why. */
function leftOut(): string[] {
  const why = process.env.PEER_RELAY_DEMO_LEFT_OUT;
  if (!KIND) return [`real instances and packets (${why || "this was not started by scripts/demo"})`];
  return [
    ...(KIND === "process"
      ? [
          `instances are processes, not booted systems: no systemd, no cloud-init (${why || "systemd-nspawn needs root"})`,
        ]
      : []),
    ...(tunIsUsable()
      ? []
      : ["tun devices (/dev/net/tun is not open to this user); tailscale does its own networking"]),
  ];
}

async function main(): Promise<void> {
  const original = readFileSync(join(REPO, "test/corpus", POLICY), "utf8");
  step(`An embedded cloud, and a tailnet with a real policy file (${POLICY})`);
  for (const text of leftOut()) say(dim(`  Left out: ${text}.`));
  const lab = KIND
    ? await startWholeLab({ policy: original, kind: KIND })
    : await startLab({ policy: original });
  const end = (signal: NodeJS.Signals) => {
    interrupted = true;
    void lab.close().finally(() => process.exit(signal === "SIGINT" ? 130 : 143));
  };
  process.once("SIGINT", end);
  process.once("SIGTERM", end);
  try {
    process.exitCode = (await run(lab, original)) ? 0 : 1;
  } finally {
    await lab.close();
  }
}

let interrupted = false;
main().catch((error: Error) => {
  if (interrupted) return; // what was going on has failed, of course
  say(red(error.message));
  process.exitCode = 1;
});
