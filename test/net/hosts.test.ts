import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startAws, type Aws } from "../../lab/aws";
import { startHosts, type BootedHost, type Hosts } from "../../lab/hosts";
import { execute, must, until } from "../../lab/hosts/command";
import { startHeadscale, type Headscale } from "../../lab/headscale";
import { startInternet, type Internet } from "../../lab/internet";
import { Account, parameter, region } from "./account";
import { echo, probe, relayUserData } from "./relay";

/** A region that nobody can reach: what the relay does without DERP is not looked at here. */
const derpMap = `regions:
  900:
    regionid: 900
    regioncode: none
    regionname: None
    nodes: [{ name: 900a, regionid: 900, hostname: 203.0.113.10, ipv4: 203.0.113.10, stunport: -1, derpport: 1 }]
`;

/* Instances of the lab's AWS, really booted; the tests build on each other. No packet is relayed here. */
describe("an EC2 instance that really boots", function () {
  this.timeout(120_000);
  this.bail(true);
  let dir: string;
  let aws: Aws;
  let account: Account;
  let internet: Internet;
  let headscale: Headscale;
  let hosts: Hosts;
  let host: BootedHost;
  let id: string;
  let secret: string;
  let group: string;
  let address: { id: string; ip: string };

  /** What a client on the internet hears from the port. */
  const ask = async (target = address.ip, port = 5000): Promise<string> =>
    (
      await execute(["ip", "netns", "exec", "client", "python3", "-c", probe, target, String(port)])
    ).text.trim();

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), "peer-relay-hosts-"));
    internet = await startInternet({ dir: join(dir, "internet") });
    await internet.attach("client", ["198.51.100.77", "2001:db8:77::77"]);
    aws = await startAws({ dir });
    account = new Account(aws);
    writeFileSync(join(dir, "derp.yaml"), derpMap);
    headscale = await startHeadscale({
      dir: join(dir, "headscale"),
      address: "203.0.113.10",
      derpMapFile: join(dir, "derp.yaml"),
    });
    hosts = await startHosts({
      internet,
      aws,
      regions: [region],
      dir: join(dir, "hosts"),
      ca: headscale.caFile,
    });
  });

  after(async () => {
    account?.close();
    await hosts?.close();
    await headscale?.close();
    await aws?.close();
    await internet?.close();
    if (dir) rmSync(dir, { recursive: true, force: true });
  });

  it("boots from its user data, which cloud-init reads by version 2 of the metadata service", async () => {
    address = await account.allocate();
    secret = await headscale.createClientKey({ tags: ["tag:relay"] });
    await account.putParameter(secret);
    await account.role("relay");
    const { vpcId, subnetId } = await account.network();
    group = await account.group(vpcId, "relay");
    const userData = relayUserData(address.ip, hosts);
    const more = {
      SubnetId: subnetId,
      SecurityGroupIds: [group],
      IamInstanceProfile: { Name: "relay" },
      Ipv6AddressCount: 1,
    };
    id = await account.launch(more, userData);
    await account.associate(id, address);
    await hosts.poll();
    assert.deepEqual(hosts.pollErrors, []);
    host = hosts.host(id);
    await host.booted();
    const query = (name: string) => host.must(`cloud-init query ${name}`);
    assert.match(await host.must("cloud-init status --long --wait"), /status: done[^]*DataSourceEc2/);
    assert.deepEqual(
      await Promise.all(["platform", "region", "instance_id", "ds.meta_data.public-ipv4"].map(query)),
      ["ec2", region, id, address.ip],
    );
    assert.equal(await query("userdata"), userData.trim());
  });

  it("installs tailscale from the mirror's signed repository", async () => {
    const installed = () => host.run("dpkg-query -W -f '${Version}' tailscale");
    await until(
      "tailscale",
      async () => (await installed()).text === "1.102.3",
      60,
      () => host.journal(),
    );
  });

  it("is refused its parameter while its role has no policy, and says so", async () => {
    const resource = `arn:aws:ssm:${region}:123456789012:parameter${parameter}`;
    const session = `arn:aws:sts::123456789012:assumed-role/relay/${id}`;
    const problem = `auth: the instance's role may not read SSM parameter ${parameter}: User: ${session} is not authorized to perform: ssm:GetParameter on resource: ${resource} because no identity-based policy allows the ssm:GetParameter action`;
    const status = () => hosts.status()[0];
    await until(
      "the refusal",
      () => status()?.problem === problem,
      60,
      () => host.journal(),
    );
    assert.deepEqual(
      [status()?.state, status()?.joins, hosts.consoleOutput(id).some((line) => line.includes(problem))],
      ["failing", 0, true],
    );
  });

  it("reads its parameter once the policy allows it", async () => {
    await host.must("systemctl stop peer-relay.service");
    await account.allowParameter("relay");
    const got = await host.must(
      `. /etc/peer-relay/relay.env; export PEER_RELAY_SSM_ENDPOINT
      /usr/local/lib/peer-relay/aws parameter ${parameter} /run/got; cat /run/got; rm /run/got`,
    );
    assert.equal(got, secret);
  });

  it("joins the tailnet, as its console tells, and does not count as serving while its port is closed", async () => {
    await host.must("systemctl start peer-relay.service");
    const status = () => hosts.status()[0];
    await until(
      "it is on line",
      () => status()?.state === "online",
      30,
      () => host.journal(),
    );
    await hosts.poll();
    const { state, joins, serving, problem } = status()!;
    const [node] = await headscale.api.nodes();
    assert.deepEqual(
      { state, joins, serving, problem, deviceId: status()?.deviceId },
      { state: "online", joins: 1, serving: false, problem: undefined, deviceId: node?.id },
    );
    assert.ok(!hosts.consoleOutput(id).some((line) => line.includes(secret)));
    await host.must("systemctl disable --now peer-relay.service peer-relay-health.timer tailscaled");
  });

  it("has a metadata service that wants a token, as EC2's does", async () => {
    const url = "http://169.254.169.254/latest";
    const answers = await host.must(`code() { curl -so /dev/null -w '%{http_code} ' "$@"; }
      code ${url}/meta-data/instance-id
      code -X PUT ${url}/api/token
      code -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' -H 'X-Forwarded-For: 192.0.2.1' ${url}/api/token
      token=$(curl -sX PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' ${url}/api/token)
      get() { curl -sH "X-aws-ec2-metadata-token: $token" "${url}/$1"; echo; }
      code -H "X-aws-ec2-metadata-token: $token" ${url}/meta-data/nothing
      curl -sD- -o /dev/null -H "X-aws-ec2-metadata-token: $token" ${url}/meta-data/mac | grep -i ^server
      get meta-data/iam/security-credentials/; get meta-data/placement/region; get meta-data/public-ipv4`);
    assert.deepEqual(answers.split(/\s*\n/), ["401 400 403 404 server: EC2ws", "relay", region, address.ip]);
  });

  it("lets no metadata get further than one hop, the instance itself", async () => {
    const code = "curl -s -o /dev/null -w '%{http_code}' -m 3";
    const token = `${code} -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token`;
    const elsewhere = `${code} ${hosts.mirrorUrl}/debian/bookworm.noarmor.gpg`;
    await host.must(`set -e
      ip netns add container
      ip link add outer type veth peer name inner netns container
      ip addr add 192.168.7.1/24 dev outer; ip link set outer up
      ip -n container addr add 192.168.7.2/24 dev inner; ip -n container link set inner up
      ip -n container route add default via 192.168.7.1
      echo 1 >/proc/sys/net/ipv4/ip_forward
      nft add table ip n; nft 'add chain ip n p { type nat hook postrouting priority 100; }'
      nft add rule ip n p oifname ens5 masquerade`);
    const inner = (command: string) => host.run(`ip netns exec container ${command}`);
    const answers = [await host.run(token), await inner(token), await inner(elsewhere)];
    await host.must("ip netns del container; nft delete table ip n");
    assert.deepEqual(
      answers.map(({ text }) => text),
      ["200", "000", "200"],
    );
  });

  it("cannot be reached while its security group has no rule for the port, and can be with one", async () => {
    await host.must(echo);
    const v6 = await account.ipv6(id);
    const closed = [await ask(), await ask(v6)];
    await account.openPort(group);
    await hosts.poll();
    assert.deepEqual(
      [closed, await ask(), await ask(v6)],
      [["nothing", "nothing"], "hello from 198.51.100.77", "hello from 2001:db8:77::77"],
    );
  });

  it("takes the rule away from flows that it had let in, too", async () => {
    await account.closePort(group);
    await hosts.poll();
    const closed = await ask();
    await account.openPort(group);
    await hosts.poll();
    assert.deepEqual([closed, await ask()], ["nothing", "hello from 198.51.100.77"]);
  });

  it("has its Elastic IP in front of it, not on it, both ways", async () => {
    const own = await host.must("ip -4 -o addr show ens5 | awk '{print $4}'");
    const listen = `import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 6000)); s.settimeout(10); print(s.recvfrom(99)[1][0])`;
    const heard = execute(["ip", "netns", "exec", "client", "python3", "-c", listen]);
    const seen = "ip netns exec client ss -Hlun";
    await until("a listener", async () => (await must(seen.split(" "))).includes(":6000"), 10);
    await host.must(
      "echo hello >/dev/udp/198.51.100.77/6000 || bash -c 'echo hello >/dev/udp/198.51.100.77/6000'",
    );
    assert.deepEqual([own.startsWith("10.213.77."), (await heard).text.trim()], [true, address.ip]);
  });

  it("follows another Elastic IP, and leaves the first one", async () => {
    const other = await account.allocate();
    await account.associate(id, other);
    await hosts.poll();
    const answers = [await ask(address.ip), await ask(other.ip)];
    await account.associate(id, address);
    await hosts.poll();
    assert.deepEqual(
      [answers, await ask(address.ip)],
      [["nothing", "hello from 198.51.100.77"], "hello from 198.51.100.77"],
    );
  });

  it("keeps its disk over a reboot, a power cut, and a stop and a start", async () => {
    const bootIds: string[] = [];
    const boot = async () =>
      bootIds.push(await host.must("journalctl --list-boots -q | tail -n 1 | awk '{print $2}'"));
    await host.must("echo kept >/root/file; sync");
    await boot();
    await host.reboot();
    await boot();
    await host.kill();
    assert.deepEqual([hosts.status()[0]?.state, await ask()], ["off", "nothing"]);
    await host.start();
    await host.booted();
    await boot();
    await account.stop(id);
    await hosts.poll();
    assert.equal(hosts.status()[0]?.state, "off");
    await account.start(id);
    await hosts.poll();
    await host.booted();
    await boot();
    assert.deepEqual(
      [await host.must("cat /root/file"), new Set(bootIds).size, hosts.pollErrors],
      ["kept", 4, []],
    );
  });

  it("is gone after its termination: no process, no mount, no namespace, no control group", async () => {
    await account.terminate(id);
    await hosts.poll();
    const left = {
      state: hosts.status()[0]?.state,
      processes: readdirSync("/proc").filter(
        (pid) => /^\d+$/.test(pid) && commandLine(pid).includes("systemd-nspawn"),
      ),
      mounts: readFileSync("/proc/self/mounts", "utf8")
        .split("\n")
        .filter((line) => line.includes(id)),
      namespaces: (await must(["ip", "netns", "list"])).split("\n").filter((line) => line.includes(id)),
      links: (await must(["ip", "-o", "link", "show"])).split("\n").filter((line) => /: md\d/.test(line)),
      groups: (await must(["find", "/sys/fs/cgroup", "-name", id])).split("\n").filter(Boolean),
      files: readdirSync(join(dir, "hosts")),
    };
    assert.deepEqual(left, {
      state: "off",
      processes: [],
      mounts: [],
      namespaces: [],
      links: [],
      groups: [],
      files: [`${id}.console.log`],
    });
    assert.equal(await ask(), "nothing");
  });
});

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
