import { makeStack, outputsOf, startWholeLab, type Stack, type WholeLab } from "..";
import { NetNs, startClient, type TailnetClient } from "../internet";
import { Relay } from "./relay";

const POLICY = `{
  // everybody reaches everybody
  "grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}],
}
`;

const [ADMIN, BYSTANDER] = ["admin@example.com", "bystander@example.com"];

/** Devices of the tailnet, by who they are. */
export interface Devices {
  /** Behind the hard NAT `nat-a`. */
  a: TailnetClient;
  /** Behind the hard NAT `nat-b`: from `a`, over a relay only. */
  b: TailnetClient;
  /** Behind the easy NAT: `a` reaches it directly. */
  c: TailnetClient;
  /** Like `a` and `b`, behind the same NATs, but of a user who has no grant for the relay: on DERP for ever. */
  x: TailnetClient;
  y: TailnetClient;
}

/** The lab with its devices, and one stack with one relay. */
export class World {
  private constructor(
    readonly lab: WholeLab,
    readonly devices: Devices,
    private readonly stack: Stack,
  ) {}

  static async start(): Promise<World> {
    const lab = await startWholeLab({ policy: POLICY, users: [ADMIN, BYSTANDER] });
    try {
      const stack = await makeStack(lab.engine, "prod-eu-central-1", {
        ...lab.stackConfig,
        "peer-relay:relays": 1,
        "peer-relay:clients": [ADMIN],
        "peer-relay:readyTimeoutSeconds": 120,
      });
      return new World(lab, await joinAll(lab), stack);
    } catch (error) {
      await lab.close();
      throw error;
    }
  }

  async pulumi(verb: "up" | "destroy"): Promise<void> {
    const { code, output } = await this.lab.engine.run(this.stack, [verb, "--yes", "--skip-preview"]);
    if (code !== 0) throw new Error(`pulumi ${verb} failed:\n${output}`);
  }

  /** The relay that `up` made. */
  async relay(): Promise<Relay> {
    const { relays } = (await outputsOf(this.lab.engine, this.stack)) as {
      relays: { instanceId: string; endpoint: string }[];
    };
    const [relay] = relays;
    if (!relay) throw new Error("the stack has no relay");
    const { instanceId, endpoint } = relay;
    const gateway = this.lab.dataPlane.internet.ns(`vpc-${instanceId}`);
    return new Relay(this.lab.instances.host(instanceId), new NetNs(instanceId), gateway, endpoint);
  }
}

async function joinAll(lab: WholeLab): Promise<Devices> {
  const join = async (name: string, behind: string, user: string) => {
    const { internet, headscale } = lab.dataPlane;
    const { url: loginServer, caFile } = headscale;
    const client = await startClient(internet, { name, behind, loginServer, caFile });
    if (!client.tun) throw new Error(`${name} has no tun device: /dev/net/tun cannot be opened here`);
    await client.up(await headscale.createClientKey({ user }));
    return client;
  };
  const [a, b, c, x, y] = await Promise.all([
    join("client-a", "nat-a", ADMIN),
    join("client-b", "nat-b", ADMIN),
    join("client-c", "nat-c", ADMIN),
    join("client-x", "nat-a", BYSTANDER),
    join("client-y", "nat-b", BYSTANDER),
  ]);
  return { a, b, c, x, y };
}
