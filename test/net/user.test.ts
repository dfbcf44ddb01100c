import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { makeStack, outputsOf, startWholeLab, type Stack, type WholeLab } from "../../lab";
import type { BootedHost } from "../../lab/hosts";
import { must } from "../../lab/hosts/command";
import { destroy, up } from "../engine/support";

const POLICY = `{"grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}]}\n`;
const RELAYED = /via peer-relay\(203\.0\.113\.\d+:40000:vni:\d+\)/;

/**
 * What an ordinary user gets: instances that are processes, here run by root, who could have containers. That an ordinary
 * user really gets it is shown in `outside/ordinary-user.test.ts`.
 */
describe("A relay that pulumi up made of processes, without a booted system", function () {
  this.timeout(120_000);
  this.bail(true);
  let lab: WholeLab;
  let stack: Stack;
  let instanceId: string;
  let host: BootedHost;

  /** What of the machine a relay would write to. */
  const machine = () =>
    ["/usr/bin", "/usr/sbin", "/usr/local/lib", "/etc", "/etc/default", "/etc/systemd/system", "/var/lib"]
      .filter((directory) => existsSync(directory))
      .flatMap((directory) => readdirSync(directory).map((name) => join(directory, name)));
  let before_: string[];

  before(async () => {
    before_ = machine();
    lab = await startWholeLab({ policy: POLICY, kind: "process" });
    stack = await makeStack(lab.engine, "prod-eu-central-1", {
      ...lab.stackConfig,
      "peer-relay:relays": 1,
      "peer-relay:clients": ["autogroup:member"],
      "peer-relay:readyTimeoutSeconds": 60,
    });
  });
  after(() => lab?.close());

  it("carries what went over DERP before", async () => {
    const [a, b] = await Promise.all([
      lab.dataPlane.join("client-a", "nat-a"),
      lab.dataPlane.join("client-b", "nat-b"),
    ]);
    assert.match((await a.ping(b.ip4, 3)).join("\n"), /via DERP\(derp-\d\)/);
    await up(lab, stack);
    const { relays } = (await outputsOf(lab.engine, stack)) as { relays: { instanceId: string }[] };
    instanceId = relays[0]?.instanceId ?? "";
    host = lab.instances.host(instanceId);
    const end = Date.now() + 60_000;
    let seen = "";
    while (!RELAYED.test(seen) && Date.now() < end) seen = (await a.ping(b.ip4, 1)).join("\n");
    assert.match(seen, RELAYED);
  });

  it("ran the bootstrap of its user data, from the metadata service to ready, with the archive's unit", async () => {
    const told = lab.instances.consoleOutput(instanceId).map((line) => /peer-relay: (\w+): /.exec(line)?.[1]);
    assert.deepEqual(
      told.filter((word) => word !== undefined),
      ["install", "install", "firewall", "join", "relay", "ready"],
    );
    const unit = await host.must("systemctl cat tailscaled");
    assert.ok(unit.includes("ExecStart=/usr/sbin/tailscaled --state=/var/lib/tailscale/tailscaled.state"));
    assert.equal(
      await host.must("systemctl is-active multi-user.target peer-relay peer-relay-health.timer tailscaled"),
      "active\nactive\nactive\nactive",
    );
  });

  it("has a failed health look repaired, as the timer would", async () => {
    await host.must("tailscale set --relay-server-port=");
    await host.must("systemctl start peer-relay-health; systemctl start peer-relay-health");
    const lines = lab.instances.consoleOutput(instanceId).slice(-3);
    assert.deepEqual(
      lines.map((line) => line.replace(/^.*peer-relay: /, "")),
      [
        "health: not ready (1): no relay on UDP 40000",
        "health: not ready (2): no relay on UDP 40000",
        "health: repaired",
      ],
    );
  });

  it("comes back from a reboot and from a power cut, on the same disk, as the same device", async () => {
    const joined = async () => {
      await host.booted();
      await host.must(
        "for i in $(seq 100); do systemctl is-active -q peer-relay 2>/dev/null && exit; systemctl is-active peer-relay && exit; sleep 0.2; done; exit 1",
      );
      return host.must("tailscale ip -4; cat /root/kept");
    };
    await host.must("echo kept >/root/kept");
    const first = await joined();
    await host.reboot();
    const second = await joined();
    await host.kill();
    assert.equal((await host.run("true")).code, null);
    await host.start();
    assert.deepEqual([second, await joined(), first.endsWith("kept")], [first, first, true]);
  });

  it("says so when it is asked for what its stand-ins do not know", async () => {
    const refused = await Promise.all(
      ["systemctl mask tailscaled", "systemctl start --wait tailscaled", "journalctl -f"].map((text) =>
        host.run(text),
      ),
    );
    assert.deepEqual(
      refused.map(({ code }) => code),
      [1, 1, 2],
    );
    assert.ok(
      lab.instances
        .consoleOutput(instanceId)
        .includes("systemctl: the lab's stand-in does not know: systemctl mask tailscaled"),
    );
    await host.must("printf '[Service]\\nType=notify\\nUser=nobody\\n' >/etc/systemd/system/odd.service");
    assert.match((await host.run("systemctl start odd")).text, /does not know \[Service\] User=nobody/);
  });

  it("runs a timer's service again and again, and starts a failed service again", async () => {
    await host.must(`cd /etc/systemd/system
      printf '[Service]\\nType=oneshot\\nExecStart=/bin/sh -c "echo tick >>/root/ticks"\\n' >tick.service
      printf '[Timer]\\nOnActiveSec=1s\\nOnUnitInactiveSec=1s\\n' >tick.timer
      printf '[Service]\\nType=oneshot\\nRestart=on-failure\\nRestartSec=1s\\nExecStart=/bin/sh -c "echo try >>/root/tries; [ -e /root/ticks ]"\\n' >wait.service
      systemctl start --no-block wait; systemctl start tick.timer; sleep 3.5; systemctl stop tick.timer`);
    const count = async (file: string) => Number(await host.must(`wc -l <${file}`));
    const [ticks, tries] = [await count("/root/ticks"), await count("/root/tries")];
    assert.ok(ticks >= 2 && ticks <= 4 && tries >= 2 && tries <= 3, `${ticks} ticks, ${tries} tries`);
    assert.equal((await host.run("systemctl is-active wait tick.timer")).text, "inactive\ninactive\n");
  });

  it("has written nothing outside, and cannot", async () => {
    const places = [
      "/usr/bin",
      "/usr/share",
      "/bin",
      "/.machine/etc",
      "/.machine/usr/bin",
      "/etc/resolv.conf",
    ];
    const open = async (path: string) => (await host.run(`test -w ${path}`)).code === 0;
    const seen = await Promise.all(places.map(open));
    assert.deepEqual(seen, [true, false, false, false, false, true]);
    assert.deepEqual(machine(), before_);
  });

  it("is gone after destroy: no process, no mount, no namespace; the policy is as it was", async () => {
    await destroy(lab, stack);
    await lab.instances.poll();
    const commands = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => (existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, "utf8") : ""));
    assert.deepEqual(
      {
        processes: commands.filter(
          (text) => text.includes("/lab/init.py") || text.includes("/var/lib/tailscale"),
        ),
        mounts: readFileSync("/proc/self/mounts", "utf8")
          .split("\n")
          .filter((line) => line.includes(instanceId)),
        namespaces: (await must(["ip", "netns", "list"]))
          .split("\n")
          .filter((line) => line.includes(instanceId)),
        policy: lab.tailscale.policy.text,
        errors: lab.instances.pollErrors,
      },
      { processes: [], mounts: [], namespaces: [], policy: POLICY, errors: [] },
    );
  });
});
