import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { type Headscale, startHeadscale } from "../../lab/headscale";
import {
  addStandardGateways,
  CONTROL_ADDRESSES,
  type Internet,
  type NetNs,
  startClient,
  startDerp,
  startInternet,
  type TailnetClient,
  tunIsUsable,
} from "../../lab/internet";
import { until } from "../../lab/internet/wait";

const enter = join(__dirname, "../../lab/internet/enter.sh");

/** What a TCP connection to the address comes to: "open", "lost" (no answer for 2 seconds), or the reason. */
async function reach(from: NetNs, address: string, port = 443): Promise<string> {
  const { code, stderr } = await from.run([
    "timeout",
    "2",
    "bash",
    "-c",
    `exec 3<>/dev/tcp/${address}/${port}`,
  ]);
  if (code === 0) return "open";
  return code === 124 ? "lost" : (/: ([^:\n]*)\n/.exec(stderr)?.[1] ?? stderr);
}

describe("the lab's internet", function () {
  this.timeout(60_000);
  let internet: Internet;
  let dir: string;

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), "internet-"));
    internet = await startInternet({ dir });
  });
  afterEach(async () => {
    await internet.close();
    rmSync(dir, { recursive: true, force: true });
  });

  it("has no way out: a packet to an address that nobody has is refused, from here and from behind a NAT", async () => {
    await addStandardGateways(internet);
    const client = await internet.lans.get("nat-a")?.join("client-a");
    assert.ok(client);
    const seen: Record<string, string> = {};
    for (const from of [internet.ns("control"), client]) {
      for (const address of ["192.0.2.1", "2001:4860:4860::8888"]) {
        seen[`${from.name} ${address}`] = await reach(from, address);
      }
    }
    assert.deepEqual(seen, {
      "control 192.0.2.1": "Network is unreachable",
      "control 2001:4860:4860::8888": "Network is unreachable",
      "client-a 192.0.2.1": "Network is unreachable",
      "client-a 2001:4860:4860::8888": "Network is unreachable",
    });
  });

  it("knows no names, and leaves the machine's resolver alone", async () => {
    const { code } = await internet.ns("control").sh("getent hosts example.com");
    assert.equal(code, 2);
    const resolv = await internet.ns("control").must(["cat", "/etc/resolv.conf"]);
    assert.equal(resolv, "# the lab has no name server");
  });

  it("loses what is sent over a cut link, until it is mended, whatever was routed over it meanwhile", async () => {
    const web = await internet.attach("web", ["203.0.113.40", "2001:db8:113::40"]);
    const other = await internet.attach("other", []);
    await listen(internet, web);
    await listen(internet, other);
    await web.ip("address add 203.0.113.41 dev lo");
    await other.ip("address add 203.0.113.40 dev lo");
    const control = internet.ns("control");
    const see = async () => [
      await reach(control, "203.0.113.40"),
      await reach(control, "2001:db8:113::40"),
      await reach(control, "203.0.113.41"),
    ];
    const before = await see();
    await internet.cut("web");
    await internet.route("203.0.113.41", "web");
    const cut = await see();
    const carrier = await web.must(["cat", "/sys/class/net/eth0/carrier"]);
    await internet.mend("web");
    const mended = await see();
    await internet.route("203.0.113.40", "other");
    await internet.unroute("203.0.113.40", "web"); // it came too late: the address is another host's
    await internet.detach("web");
    const gone = await see();
    await internet.unroute("203.0.113.40", "other");
    assert.deepEqual(
      { before, cut, carrier, mended, gone, end: await reach(control, "203.0.113.40") },
      {
        before: ["open", "open", "Network is unreachable"],
        cut: ["lost", "lost", "lost"],
        carrier: "0",
        mended: ["open", "open", "open"],
        gone: ["open", "Network is unreachable", "Network is unreachable"],
        end: "Network is unreachable",
      },
    );
  });

  it("lets a host's name and address be used again once it is detached", async () => {
    await listen(internet, await internet.attach("web", ["203.0.113.40"]));
    await internet.detach("web");
    const before = await reach(internet.ns("control"), "203.0.113.40");
    await listen(internet, await internet.attach("web", ["203.0.113.40"]));
    assert.deepEqual(
      [before, await reach(internet.ns("control"), "203.0.113.40")],
      ["Network is unreachable", "open"],
    );
    await assert.rejects(internet.attach("web", []), /the namespace web is there already/);
    await assert.rejects(internet.cut("wep"), /no host wep is attached; there are control, web/);
  });

  it("delays a link, each way and for both families, until it is told otherwise", async function () {
    if (!tunIsUsable()) this.skip();
    const web = await internet.attach("web", ["203.0.113.40", "2001:db8:113::40"]);
    const other = await internet.attach("other", ["203.0.113.50", "2001:db8:113::50"]);
    await listen(internet, web);
    const addresses = ["203.0.113.40", "2001:db8:113::40"];
    const atLeast = async (ms: number) => {
      for (const address of addresses) {
        const took = await roundTrip(other, address);
        assert.ok(took >= ms, `${address}: ${took} ms, which is less than ${ms}`);
      }
    };
    await internet.delay("web", 40);
    await atLeast(80);
    await internet.delay("other", 30);
    await atLeast(140);
    await internet.delay("web", 70);
    await atLeast(200);
    await internet.cut("web");
    await internet.mend("web");
    await atLeast(200);
    await internet.delay("other", 0);
    await internet.delay("web", 0);
    const rules = await internet.ns("internet").must(["sh", "-ec", "ip rule; ip -6 rule; ip -o link"]);
    assert.doesNotMatch(rules, /iif|from\d|to\d/);
    assert.equal(await reach(other, "203.0.113.40"), "open");
  });

  it("is made in namespaces of its own only", () => {
    const program = `require(${JSON.stringify(join(__dirname, "../../lab/internet"))}).startInternet({ dir: "/nowhere" })`;
    const { status, stderr } = spawnSync("node", ["--import", "tsx", "-e", program], {
      encoding: "utf8",
      env: { ...process.env, PEER_RELAY_LAB_NET: "" },
    });
    assert.equal(status, 1);
    assert.match(stderr, /run this with lab\/internet\/enter\.sh/);
  });
});

/** How long a TCP handshake takes, in milliseconds, once neighbours know each other. */
async function roundTrip(from: NetNs, address: string): Promise<number> {
  await from.must(["bash", "-c", `exec 3<>/dev/tcp/${address}/443`]);
  const connect = `const { connect } = require("net"), start = performance.now();
    connect(443, process.argv[1], () => { console.log(performance.now() - start); process.exit(); });`;
  return Number(await from.must(["node", "-e", connect, address]));
}

/** Has a host take connections on port 443. */
async function listen(internet: Internet, host: NetNs): Promise<void> {
  const server = host.spawn(["node", "-e", `require("net").createServer((s) => s.end()).listen(443)`], {
    log: join(internet.dir, `${host.name}.log`),
  });
  const listens = async () => (await host.must(["ss", "-Hlnt"])).includes(":443");
  await until(`${host.name} listens`, 20, listens, () => server.lastWords());
}

describe("a tailnet on the lab's internet", function () {
  this.timeout(90_000);
  this.bail(true);
  let internet: Internet;
  let headscale: Headscale;
  let dir: string;
  const clients = new Map<string, TailnetClient>();

  const joinTailnet = async (name: string, behind: string, loginServer = headscale.url): Promise<void> => {
    const client = await startClient(internet, { name, behind, loginServer, caFile: headscale.caFile });
    clients.set(name, client);
    await client.up(await headscale.createClientKey());
  };
  const client = (name: string): TailnetClient => {
    const found = clients.get(name);
    assert.ok(found, `${name} has not joined`);
    return found;
  };

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), "tailnet-"));
    internet = await startInternet({ dir });
    await addStandardGateways(internet);
    const derp = await startDerp(internet);
    const [address = "", ...otherAddresses] = CONTROL_ADDRESSES;
    headscale = await startHeadscale({
      dir: join(dir, "headscale"),
      address,
      otherAddresses,
      derpMapFile: derp.mapFile,
    });
    await headscale.api.setPolicy('{"grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}]}');
    await Promise.all([
      joinTailnet("client-a", "nat-a"),
      joinTailnet("client-b", "nat-b"),
      joinTailnet("client-c", "nat-c"),
      joinTailnet("client-6", "firewall-6", `https://[${otherAddresses[0]}]`),
    ]);
  });

  after(async () => {
    await internet?.close();
    await headscale?.close();
    if (dir) rmSync(dir, { recursive: true, force: true });
  });

  /** The last word of a pong is how long it took. */
  const paths = (pongs: string[]): string[] => [
    ...new Set(pongs.map((pong) => pong.replace(/ in [0-9.]+m?s$/, "").replace(/derp-[12]/, "derp-N"))),
  ];

  it("has NATs that map by destination, and one that does not", async () => {
    const varies: Record<string, unknown> = {};
    for (const { name } of clients.values()) {
      const report = JSON.parse(
        (await client(name).cli("netcheck", "--format=json")).stdout,
      ) as NetcheckReport;
      varies[name] = [report.UDP, report.IPv4, report.IPv6, report.MappingVariesByDestIP];
    }
    assert.deepEqual(varies, {
      "client-a": [true, true, false, true],
      "client-b": [true, true, false, true],
      "client-c": [true, true, false, false],
      "client-6": [true, false, true, null],
    });
  });

  it("takes two clients behind hard NATs to each other by DERP only", async () => {
    const { ip4 } = client("client-b");
    const pongs = await client("client-a").ping(ip4, 8);
    assert.deepEqual(paths(pongs), [`pong from client-b (${ip4}) via DERP(derp-N)`], pongs.join("\n"));
  });

  it("takes a client with IPv6 only to one with IPv4 only by DERP", async () => {
    const { ip4 } = client("client-a");
    const pongs = await client("client-6").ping(ip4, 3);
    assert.deepEqual(paths(pongs), [`pong from client-a (${ip4}) via DERP(derp-N)`], pongs.join("\n"));
  });

  it("takes a client behind a hard NAT straight to one behind the easy one", async () => {
    const { ip4 } = client("client-c");
    let last: string[] = [];
    const direct = async () => {
      last = await client("client-a").ping(ip4);
      return last.some((pong) => /via 198\.51\.100\.33:\d+ in /.test(pong));
    };
    await until("a direct path from client-a to client-c", 30, direct, () => last.join("\n"));
  });

  it("carries data, also while the control server is down, and counts it", async () => {
    const before = await inboundByDerp(client("client-a"));
    await headscale.stop();
    try {
      const received = await download(client("client-a"), client("client-b"));
      assert.equal(received, "x".repeat(DOWNLOAD_BYTES));
    } finally {
      await headscale.start();
    }
    const counted = (await inboundByDerp(client("client-a"))) - before;
    assert.ok(counted >= DOWNLOAD_BYTES, `${counted} bytes counted`);
  });

  it("has clients that prefer the nearer DERP region, where a delay is put on the other", async function () {
    if (!tunIsUsable()) this.skip();
    const nearest: (number | undefined)[] = [];
    for (const [near, far] of [
      ["derp-1", "derp-2"],
      ["derp-2", "derp-1"],
    ] as const) {
      await internet.delay(near, 0);
      await internet.delay(far, 200);
      nearest.push((await netcheck(client("client-a"))).PreferredDERP);
    }
    await internet.delay("derp-1", 0);
    assert.deepEqual(nearest, [901, 902]);
  });

  it("has clients that come back after a kill, on the same state, and do not hear a cut host", async () => {
    const b = client("client-b");
    const { ip4 } = b;
    await b.kill();
    await b.start();
    const pong = `pong from client-b (${ip4}) via DERP(derp-N)`;
    let last: string[] = [];
    const answers = async () => paths((last = await client("client-a").ping(ip4))).join() === pong;
    await until("client-b answers after its restart", 30, answers, () => last.join("\n"));
    await internet.cut("nat-b");
    const cut = await client("client-a").ping(ip4);
    await internet.mend("nat-b");
    await until("client-b answers after the mending", 40, answers, () => last.join("\n"));
    assert.match(cut.join("\n"), /timed out|no reply/);
  });
});

interface NetcheckReport {
  UDP: boolean;
  IPv4: boolean;
  IPv6: boolean;
  MappingVariesByDestIP: boolean | null;
  /** The id of the nearest region. */
  PreferredDERP: number;
}

async function netcheck(client: TailnetClient): Promise<NetcheckReport> {
  return JSON.parse((await client.cli("netcheck", "--format=json")).stdout) as NetcheckReport;
}

const DOWNLOAD_BYTES = 100_000;

async function inboundByDerp(client: TailnetClient): Promise<number> {
  return Number(/tailscaled_inbound_bytes_total\{path="derp"\} (\d+)/.exec(await client.metrics())?.[1] ?? 0);
}

/** Gets `x` many times by TCP in the tailnet, on whatever device the clients have. @returns what arrived */
async function download(to: TailnetClient, from: TailnetClient): Promise<string> {
  const address = JSON.stringify(from.tun ? from.ip4 : "127.0.0.1");
  const serve = `require("net").createServer((s) => s.end("x".repeat(${DOWNLOAD_BYTES}))).listen(81, ${address})`;
  const server = from.ns.spawn(["node", "-e", serve], { log: join(tmpdir(), "download.log") });
  try {
    const listens = async () => (await from.ns.must(["ss", "-Hlnt"])).includes(":81 ");
    await until("the server listens", 20, listens, () => server.lastWords());
    // `nc` ends with its input, so its input has to last.
    const fifo = join(tmpdir(), "download.fifo");
    const get = `mkfifo ${fifo} && exec 4<>${fifo} && timeout 30 tailscale --socket=${to.socket} nc ${from.ip4} 81 <&4`;
    const { code, stdout, stderr } = await to.ns.sh(get);
    assert.equal(code, 0, stderr);
    return stdout;
  } finally {
    await server.kill();
  }
}

describe("lab/internet/enter.sh", function () {
  this.timeout(60_000);
  const labs: SmallLab[] = [];
  afterEach(async () => {
    for (const lab of labs.splice(0)) await lab.end();
  });
  const start = async (word: string): Promise<SmallLab> => {
    const lab = await SmallLab.start(word);
    labs.push(lab);
    return lab;
  };

  it("has two labs with the same names and addresses side by side", async () => {
    const [one, two] = await Promise.all([start("one"), start("two")]);
    assert.deepEqual([await one.ask(), await two.ask()], ["one", "two"]);
    await one.end();
    assert.deepEqual([existsSync(one.dir), await two.ask()], [false, "two"]);
  });

  it("removes what a killed run has left, and nothing of one that lives", async () => {
    const [killed, alive] = await Promise.all([start("killed"), start("alive")]);
    const groups = killed.groups();
    await killed.kill();
    const before = [existsSync(killed.dir), killed.groups()];
    // An ordinary user gets none.
    assert.equal(groups.length > 0, /peer-relay-run/.test(readFileSync("/proc/self/cgroup", "utf8")));
    assert.equal(spawnSync(enter, ["true"]).status, 0);
    assert.deepEqual(
      { before, after: [existsSync(killed.dir), killed.groups()], alive: await alive.ask() },
      { before: [true, groups], after: [false, []], alive: "alive" },
    );
  });

  it("passes on what its command makes of input, status and signals, and leaves nothing", async () => {
    const before = readdirSync(tmpdir());
    const { status, stdout } = spawnSync(enter, ["sh", "-c", "cat; exit 7"], {
      input: "in\n",
      encoding: "utf8",
    });
    const child = spawn(enter, [
      "sh",
      "-c",
      "trap 'echo ended; exit 9' TERM; echo up; while :; do sleep 0.1; done",
    ]);
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const up = (await lines.next()).value as string;
    child.kill("SIGINT");
    const [code] = (await once(child, "exit")) as [number];
    const last = (await lines.next()).value as string;
    assert.deepEqual([status, stdout, up, last, code], [7, "in\n", "up", "ended", 9]);
    assert.deepEqual(readdirSync(tmpdir()), before);
  });
});

/** See small-lab.ts. */
class SmallLab {
  private constructor(
    private readonly child: ChildProcess,
    private readonly lines: AsyncIterator<string>,
    readonly dir: string,
    private readonly namespace: string,
  ) {}

  static async start(word: string): Promise<SmallLab> {
    const argv = ["node", "--import", "tsx", join(__dirname, "small-lab.ts"), word];
    const child = spawn(enter, argv, { stdio: ["pipe", "pipe", "inherit"] });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const { dir, namespace } = JSON.parse((await lines.next()).value as string) as Record<string, string>;
    return new SmallLab(child, lines, dir ?? "", namespace ?? "");
  }

  async ask(): Promise<string> {
    this.child.stdin?.write("\n");
    return (await this.lines.next()).value as string;
  }

  /** Its control groups that there are. */
  groups(): string[] {
    return spawnSync("find", ["/sys/fs/cgroup", "-name", basename(this.dir)], { encoding: "utf8" })
      .stdout.split("\n")
      .filter(Boolean);
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.stdin?.end();
    await once(this.child, "exit");
  }

  /** Kills enter.sh itself, and waits until all else of the lab is gone with it. */
  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await until(
      "the killed lab's processes are gone",
      10,
      () => !this.lives(),
      () => this.namespace,
    );
  }

  private lives(): boolean {
    return readdirSync("/proc").some((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/ns/net`) === this.namespace;
      } catch {
        return false;
      }
    });
  }
}
