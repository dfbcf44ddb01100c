import assert from "node:assert/strict";
import { appendFileSync, cpSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { renderHostFiles, renderUserData, type BootstrapSettings } from "../../components/bootstrap";
import { quoteEnvValue } from "../../components/bootstrap/env-file";
import { buildMirror, debianImage } from "../../lab/hosts";
import { World } from "./world";

/*
 * The real script, as root, on a real Debian with systemd and cloud-init, against a real tailscaled and headscale.
 * Simulated: instance metadata and SSM (the signature is verified), and the vendor's package repository (a signed
 * stand-in around the same binaries). Not covered: Amazon Linux's dnf, Ubuntu, the SSM agent's installation.
 * The steps build on each other, so the first failure ends the run.
 */
describe("the bootstrap on a real Debian host", function () {
  this.timeout(180_000);
  this.bail(true);
  let world: World;
  let settings: BootstrapSettings;
  const secrets: string[] = [];

  /** Puts a fresh auth key where the host looks for it. */
  const newKey = (): string => {
    const key = world.headscale("preauthkeys create --tags tag:relay").split("\n").pop()!.trim();
    secrets.push(key);
    world.control({ parameters: { "/peer-relay/auth": key } });
    return key;
  };
  const configure = (change: Partial<BootstrapSettings>): void => {
    settings = { ...settings, ...change };
    world.put(renderHostFiles(settings).slice(0, 1));
  };
  const bootstrap = (mode = "run", environment = ""): { code: number | null; lines: string[] } => {
    const { code, text } = world.run(`${environment} /usr/local/lib/peer-relay/bootstrap ${mode}`);
    return { code, lines: text.trimEnd().split("\n") };
  };
  const fails = (message: RegExp, environment = ""): void => {
    const { code, lines } = bootstrap("run", environment);
    assert.match(lines.at(-1)!, message);
    assert.equal(code, 1);
    assert.deepEqual(
      lines.filter((line) => !line.startsWith("peer-relay: ")),
      [],
    );
  };
  const succeeds = (environment = ""): string[] => {
    const { code, lines } = bootstrap("run", environment);
    assert.deepEqual(
      [code, lines.at(-1)],
      [0, `peer-relay: ready: ${settings.hostname} relays on UDP ${settings.port}`],
    );
    return lines;
  };
  const nodes = (): { id: string; name: string; tags: string[] }[] =>
    (
      JSON.parse(world.headscale("nodes list -o json")) as {
        id: number;
        given_name: string;
        tags?: string[];
      }[]
    ).map((node) => ({ id: String(node.id), name: node.given_name, tags: node.tags ?? [] }));
  const relay = (): string[] => [
    world.run("tailscale debug peer-relay-sessions").text.split("\n")[0]!,
    world
      .run("tailscale status --json --peers=false | sed -n 's/^ *\"Online\": //p' | head -n 1")
      .text.trim(),
  ];
  const serving = ["Server port: 40000", "true,"];

  before(async function () {
    this.timeout(300_000);
    const image = debianImage();
    const { directory, archive, sha256 } = await buildMirror(image);
    world = new World(image);
    cpSync(directory, world.path("mirror"), { recursive: true });
    renameSync(world.path("mirror", archive), world.path("mirror/tailscale.tgz"));
    settings = {
      hostname: "relay-203-0-113-30",
      port: 40000,
      staticEndpoints: ["203.0.113.30:40000", "[2001:db8::1]:40000"],
      tags: ["tag:relay"],
      tailscaleVersion: "1.102.3",
      install: { kind: "tarball", url: "http://203.0.113.10/tailscale.tgz", sha256 },
      auth: {
        kind: "parameter",
        name: "/peer-relay/auth",
        endpoint: "http://203.0.113.10:8000",
        oauthClient: false,
      },
      loginServer: "https://203.0.113.10",
      tailscaleSsh: false,
      ssmAgent: false,
    };
    world.control({ mirror: false });
    await world.start(renderUserData(settings));
    await world.until(
      "headscale",
      () => world.outside("curl -fsk https://203.0.113.10/health").code === 0,
      20,
    );
    world.headscale("users create lab");
  });
  after(() => world?.stop());

  it("cloud-init starts it; without its mirror it says so and systemd tries again", async () => {
    const failed =
      "peer-relay: error: install: cannot download http://203.0.113.10/tailscale.tgz: curl: (52)";
    await world.until(
      "the first failure",
      () => world.run("journalctl -o cat -u peer-relay").text.includes(failed),
      60,
    );
    assert.match(
      world.must("systemctl show -p Result -p SubState peer-relay"),
      /Result=exit-code\nSubState=auto-restart/,
    );
    assert.match(world.must("cloud-init status --wait"), /status: done/);
    world.must("systemctl stop peer-relay.service peer-relay-health.timer");
    assert.ok(world.console().includes(failed), "the console has the line too");
  });

  it("installs nothing when the checksum is wrong", () => {
    world.control({ mirror: true });
    appendFileSync(world.path("mirror/tailscale.tgz"), "x");
    fails(
      /error: install: checksum of \S+tailscale.tgz is [0-9a-f]{64}, expected [0-9a-f]{64}; nothing was installed$/,
    );
    assert.equal(world.run("ls /usr/bin/tailscale* /usr/sbin/tailscale* 2>/dev/null").text, "");
    const whole = readFileSync(world.path("mirror/tailscale.tgz"));
    writeFileSync(world.path("mirror/tailscale.tgz"), whole.subarray(0, -1));
  });

  for (const [step, megabytes, message] of [
    [
      "downloading",
      8,
      /error: install: cannot download \S+ curl: \(23\).*\(disk full: \d+ kB left for \/var\/lib\/peer-relay\)$/,
    ],
    [
      "unpacking",
      50,
      /error: install: cannot unpack \S+ tar: .*\(disk full: \d+ kB left for \/var\/lib\/peer-relay\)$/,
    ],
  ] as const) {
    it(`installs nothing when the disk is full while ${step}`, () => {
      world.must(`mount -t tmpfs -o size=${megabytes}m tmpfs /var/lib/peer-relay`);
      fails(message);
      assert.equal(
        world.run("ls -d /usr/bin/tailscale* /usr/sbin/tailscale* /var/lib/peer-relay/* 2>/dev/null").text,
        "",
      );
      world.must("umount /var/lib/peer-relay");
    });
  }

  it("says in clear words why SSM gives no key, and leaves no secret file behind", () => {
    world.control({ denied: true });
    fails(
      /error: auth: the instance's role may not read SSM parameter \/peer-relay\/auth: User: \S+relay-role\S+ is not /,
    );
    world.control({ denied: false });
    fails(/error: auth: SSM parameter \/peer-relay\/auth does not exist in eu-central-1$/);
    world.control({ role: false });
    fails(
      /error: auth: this instance has no IAM role \(instance profile\) to read the auth key with: HTTP Error 404/,
    );
    world.control({ role: true, parameters: { "/peer-relay/auth": "hskey-auth-EXAMPLE" } });
    fails(/error: join: tailscale up: backend error: .*/);
    assert.equal(world.run("cat /run/peer-relay/auth").code, 1);
  });

  it("then succeeds as soon as nothing is in the way: the unit ends with a relay that serves", async () => {
    world.outside(
      `(for i in $(seq 400); do cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'; sleep 0.05; done) >${world.path("seen")} 2>/dev/null &`,
    );
    newKey();
    world.must("systemctl start peer-relay.service");
    assert.deepEqual(
      [relay(), nodes(), world.must("systemctl is-active peer-relay tailscaled")],
      [serving, [{ id: "1", name: settings.hostname, tags: ["tag:relay"] }], "active\nactive"],
    );
    const prefs = JSON.parse(world.must("tailscale debug prefs")) as Record<string, unknown>;
    assert.deepEqual(
      [prefs.RelayServerPort, prefs.RelayServerStaticEndpoints],
      [40000, ["203.0.113.30:40000", "[2001:db8::1]:40000"]],
    );
  });

  it("prints one line per step to journal and console", () => {
    const expected = [
      "peer-relay: install: tailscale 1.102.3 is here",
      "peer-relay: firewall: none closes UDP 40000",
      "peer-relay: join: tailscale up as relay-203-0-113-30",
      "peer-relay: relay: tailscale set --relay-server-port=40000",
      "peer-relay: ready: relay-203-0-113-30 relays on UDP 40000",
    ];
    const lines = (text: string): string[] =>
      text
        .split(/\r?\n/)
        .flatMap((line) => /peer-relay: .*/.exec(line)?.[0] ?? [])
        .slice(-5);
    assert.deepEqual(
      [lines(world.must("journalctl -o cat -u peer-relay -t bootstrap")), lines(world.console())],
      [expected, expected],
    );
  });

  it("changes nothing when it runs again", () => {
    const before = [nodes(), world.must("nft -s list ruleset"), world.must("tailscale debug prefs")];
    assert.deepEqual(succeeds(), [
      "peer-relay: install: tailscale 1.102.3 is here",
      "peer-relay: firewall: none closes UDP 40000",
      "peer-relay: join: relay-203-0-113-30 is in the tailnet",
      "peer-relay: relay: tailscale set --relay-server-port=40000",
      "peer-relay: ready: relay-203-0-113-30 relays on UDP 40000",
    ]);
    assert.deepEqual(
      [nodes(), world.must("nft -s list ruleset"), world.must("tailscale debug prefs")],
      before,
    );
  });

  it("a health look at a relay that serves says nothing", () => {
    assert.deepEqual(bootstrap("health"), { code: 0, lines: [""] });
  });

  it("a cleared relay port is set again by the second health look, and not by the first", () => {
    world.must("tailscale set --relay-server-port=");
    assert.deepEqual(bootstrap("health").lines, ["peer-relay: health: not ready (1): no relay on UDP 40000"]);
    assert.deepEqual(relay()[0]!.slice(0, 27), "Server port: not configured");
    assert.deepEqual(bootstrap("health").lines, [
      "peer-relay: health: not ready (2): no relay on UDP 40000",
      "peer-relay: health: repaired",
    ]);
    assert.deepEqual(relay(), serving);
  });

  it("a killed tailscaled comes back as a relay, a stopped one by the health looks", async () => {
    world.must("pkill -KILL tailscaled");
    await world.until("the relay is back", () => relay().join() === serving.join(), 30);
    world.must("systemctl stop tailscaled");
    assert.deepEqual(
      [bootstrap("health").lines, bootstrap("health").lines],
      [
        ["peer-relay: health: not ready (1): tailscaled does not answer"],
        [
          "peer-relay: health: not ready (2): tailscaled does not answer",
          "peer-relay: tailscaled: restarting",
          "peer-relay: health: repaired",
        ],
      ],
    );
    assert.deepEqual(relay(), serving);
  });

  it("a device that was deleted from the tailnet joins again with the new key in the parameter", async () => {
    world.headscale(`nodes delete --force -i ${nodes()[0]!.id}`);
    world.must("systemctl restart tailscaled"); // headscale tells a deleted device only when it connects anew
    const loginUrl = (): string => world.run("tailscale status --json | grep AuthURL").text;
    await world.until("the host notices", () => loginUrl().includes("http"), 60);
    bootstrap("health");
    const refused = bootstrap("health");
    assert.match(refused.lines.at(-1)!, /error: join: tailscale up: backend error: /);
    bootstrap("health");
    assert.match(bootstrap("health").lines.at(-1)!, /error: join: the same auth key as before: /);
    newKey();
    bootstrap("health");
    assert.deepEqual(bootstrap("health").lines.slice(-2), [
      "peer-relay: join: tailscale up as relay-203-0-113-30",
      "peer-relay: health: repaired",
    ]);
    assert.deepEqual([relay(), nodes().map((node) => node.name)], [serving, [settings.hostname]]);
  });

  it("a key in a file is used once and deleted", () => {
    configure({ auth: { kind: "file", path: "/run/relay-key" } });
    world.must("tailscale logout");
    world.headscale(`nodes delete --force -i ${nodes()[0]!.id}`);
    fails(/error: auth: no key at \/run\/relay-key$/);
    world.must(`umask 077; cat >/run/relay-key <<'END'\n${newKey()}\nEND`);
    succeeds();
    assert.deepEqual(
      [relay(), world.run("ls /run/relay-key /run/peer-relay/auth 2>/dev/null").text],
      [serving, ""],
    );
    configure({ auth: { kind: "parameter", name: "/peer-relay/auth", oauthClient: false } });
  });

  it("nftables: puts one rule before the one that drops, again after it was lost, and no second one", () => {
    const probe = (): string => {
      world.outside(
        "echo probe >/dev/udp/203.0.113.30/40000 || bash -c 'echo probe >/dev/udp/203.0.113.30/40000'",
      );
      return world.must(
        "nft list chain inet fw input | sed -n 's/.*udp dport 40000 counter packets \\([0-9]*\\).*/\\1/p'",
      );
    };
    const rules = (): number => world.run("nft list ruleset").text.split('comment "peer-relay"').length - 1;
    const table = `table inet fw {
      chain input {
        type filter hook input priority 0; policy drop;
        ct state established,related accept
        iif lo accept
        udp dport 40000 counter
      }
    }`;
    world.must(`nft -f - <<'END'\n${table}\nEND`);
    assert.deepEqual([probe(), rules()], ["1", 0]);
    assert.ok(succeeds().includes("peer-relay: firewall: nftables inet/fw/input: opened UDP 40000"));
    assert.deepEqual([probe(), rules()], ["1", 1]);
    assert.ok(succeeds().includes("peer-relay: firewall: nftables inet/fw/input: UDP 40000 is open"));
    world.must(`nft flush table inet fw; nft delete table inet fw; nft -f - <<'END'\n${table}\nEND`);
    assert.deepEqual(bootstrap("health").lines, [
      "peer-relay: firewall: nftables inet/fw/input: opened UDP 40000",
    ]);
    assert.deepEqual([probe(), rules()], ["0", 1]);
    world.must("nft insert rule inet fw input udp dport 40000 counter drop");
    assert.equal(probe(), "1\n0", "the new rule takes it");
    assert.deepEqual(bootstrap("health").lines, [
      "peer-relay: firewall: nftables inet/fw/input: opened UDP 40000",
    ]);
    assert.deepEqual([probe(), bootstrap("health").lines, rules()], ["1\n0", [""], 1]);
    world.must("nft delete table inet fw");
  });

  it("iptables: adds the article's rule once where the policy drops, and only there", () => {
    world.must(
      "iptables -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT; iptables -P INPUT DROP",
    );
    assert.ok(succeeds().includes("peer-relay: firewall: iptables: opened UDP 40000"));
    assert.ok(succeeds().includes("peer-relay: firewall: iptables: UDP 40000 is open"));
    world.must("iptables -I INPUT -p udp -j REJECT");
    assert.deepEqual(
      [bootstrap("health").lines, bootstrap("health").lines, world.must("iptables -S INPUT").split("\n")[1]],
      [
        ["peer-relay: firewall: iptables: opened UDP 40000"],
        [""],
        "-A INPUT -p udp -m udp --dport 40000 -j ACCEPT",
      ],
    );
    world.must("iptables -D INPUT -p udp -j REJECT");
    assert.deepEqual(
      ["iptables", "ip6tables"].map((tool) =>
        world.run(`${tool} -S INPUT | grep -c 'udp --dport 40000 -j ACCEPT'`).text.trim(),
      ),
      ["1", "0"],
    );
    world.must(
      "iptables -P INPUT ACCEPT; iptables -D INPUT -p udp --dport 40000 -j ACCEPT; iptables -D INPUT 1",
    );
  });

  it("ufw: allows the port once and to everybody, and takes the former port back when the port changes", () => {
    const rules = (): string[] =>
      world
        .must("ufw status | sed -n 's/  *ALLOW.*//p'")
        .split("\n")
        .filter((line) => !line.includes("v6"))
        .sort();
    world.must("rm /var/lib/peer-relay/firewall; ufw allow 22/tcp && ufw --force enable");
    world.must("ufw allow from 192.0.2.0/24 to any port 40000 proto udp");
    assert.ok(succeeds().includes("peer-relay: firewall: ufw: opened UDP 40000"));
    assert.ok(succeeds().includes("peer-relay: firewall: ufw: UDP 40000 is open"));
    assert.deepEqual(rules(), ["22/tcp", "40000/udp", "40000/udp"]);
    configure({ port: 40001 });
    assert.deepEqual(succeeds().slice(1, 3), [
      "peer-relay: firewall: ufw: closed UDP 40000 again",
      "peer-relay: firewall: ufw: opened UDP 40001",
    ]);
    assert.deepEqual([rules(), relay()[0]], [["22/tcp", "40000/udp", "40001/udp"], "Server port: 40001"]);
    configure({ port: 40000 });
    succeeds();
    world.must("ufw --force disable");
  });

  it("firewalld: adds the port for good, and takes the former port back for now and for good", () => {
    const ports = (): string[] =>
      world.must("firewall-cmd --list-ports; firewall-cmd --permanent --list-ports").split("\n");
    world.must("rm /var/lib/peer-relay/firewall; systemctl start firewalld");
    assert.ok(succeeds().includes("peer-relay: firewall: firewalld: opened UDP 40000"));
    assert.deepEqual(ports(), ["40000/udp", "40000/udp"]);
    world.must("firewall-cmd --add-port=40001/udp; firewall-cmd --permanent --add-port=40001/udp");
    configure({ port: 40001 });
    assert.deepEqual(succeeds().slice(1, 3), [
      "peer-relay: firewall: firewalld: closed UDP 40000 again",
      "peer-relay: firewall: firewalld: UDP 40001 is open",
    ]);
    assert.deepEqual(ports(), ["40001/udp", "40001/udp"]);
    configure({ port: 40000 });
    succeeds();
    world.must("systemctl stop firewalld");
  });

  it("comes back by itself after a reboot, as the same device", async () => {
    const before = nodes();
    world.must("systemctl reboot");
    await world.until(
      "the host stops",
      () => world.run("systemctl is-active peer-relay").text.trim() !== "active",
      30,
    );
    await world.until(
      "the relay is back",
      () => world.run("systemctl is-active peer-relay").text.trim() === "active",
      60,
    );
    assert.deepEqual([relay(), nodes()], [serving, before]);
    assert.equal(world.must("systemctl is-active peer-relay-health.timer"), "active");
    world.must("systemctl stop peer-relay-health.timer");
  });

  it("packages: a signed repository, a held pin; a held lock or a bad signature is said and nothing is changed", () => {
    world.must(
      `rm /usr/bin/tailscale /usr/sbin/tailscaled /etc/systemd/system/tailscaled.service; systemctl daemon-reload
      rm -f /etc/apt/sources.list /etc/apt/sources.list.d/* # out of reach here: waiting for them takes a minute`,
    );
    configure({ install: { kind: "packages", mirror: "http://203.0.113.10" } });

    const release = world.path("mirror/debian/dists/bookworm/InRelease");
    const signed = readFileSync(release, "utf8");
    writeFileSync(release, signed.replace("Origin: Example", "Origin: Mallory"));
    fails(/error: install: apt-get update: E: .*(signature|NODATA|not signed|verif)/i);
    writeFileSync(release, signed);

    const hold = (path: string, seconds: number): void => {
      const lock = `import fcntl,time; f=open('${path}','w'); fcntl.lockf(f,fcntl.LOCK_EX); time.sleep(${seconds})`;
      world.must(`python3 -c "${lock}" >/dev/null 2>&1 & echo $! >/run/holder; sleep 0.5`);
    };
    hold("/var/lib/dpkg/lock-frontend", 100);
    fails(
      /error: install: apt-get install tailscale: E: .* lock (\(?\/var\/lib\/dpkg\/lock-frontend)/,
      "PEER_RELAY_LOCK_TIMEOUT=1",
    );
    assert.equal(world.run("dpkg -l tailscale").code, 1);
    world.must("kill $(cat /run/holder)");

    // Longer than the tries take: apt-get itself does not wait for these two.
    hold("/var/lib/apt/lists/lock", 16);
    hold("/var/cache/apt/archives/lock", 26);
    const lines = succeeds();
    assert.ok(lines.includes("peer-relay: install: tailscale 1.102.3 installed"));
    assert.deepEqual(
      lines.filter((line) => line.includes("again in")),
      [],
    );
    assert.deepEqual(
      [world.must("apt-mark showhold; dpkg-query -W -f '${Version}' tailscale"), relay()],
      ["tailscale\n1.102.3", serving],
    );
  });

  it("the env file means the same to systemd as to sh", () => {
    const values = [
      "it's",
      "a \\ b",
      '"quoted"',
      "$HOME `id` ${x}",
      "#;|&",
      "größe 🦀",
      "\\'\\",
      " both ends ",
    ];
    const file = values.map((value, i) => `V${i}=${quoteEnvValue(value)}`).join("\n");
    const read = "import os; [print(os.environ['V%d' % i]) for i in range(8)]";
    const text = world.must(`cat >/run/nasty.env <<'END'\n${file}\nEND
      systemd-run -q --wait --pipe -p EnvironmentFile=/run/nasty.env python3 -c "${read}"; rm /run/nasty.env`);
    assert.deepEqual(
      text.split("\n").map((line) => line.trim()),
      values.map((line) => line.trim()),
    );
  });

  it("leaves no secret anywhere: not in journal, console, argument lists, environments or files", () => {
    const seen = readFileSync(world.path("seen"), "utf8");
    assert.ok(seen.includes("--auth-key=file:/run/peer-relay/auth"), "the sampler saw the login");
    const found = secrets.flatMap((secret) => [
      ...(seen.includes(secret) ? ["process list"] : []),
      ...(world.console().includes(secret) ? ["console"] : []),
      ...(world.run("journalctl --no-pager -o export").text.includes(secret) ? ["journal"] : []),
      ...world
        .run(
          `cat >/run/needle <<'END'\n${secret}\nEND
        grep -rlF -f /run/needle /etc /run /tmp /var /root /usr/local 2>/dev/null | grep -v ^/run/needle; rm /run/needle`,
        )
        .text.split("\n")
        .filter(Boolean),
    ]);
    assert.deepEqual([secrets.length, found], [3, []]);
  });
});
