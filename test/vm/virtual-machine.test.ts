import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startAws, type Aws } from "../../lab/aws";
import { startHosts, type Hosts } from "../../lab/hosts";
import { execute, until } from "../../lab/hosts/command";
import { startInternet, type Internet } from "../../lab/internet";
import { Account, parameter, region } from "../net/account";
import { echo, probe, relayUserData, secret } from "../net/relay";

/* The same as `hosts.test.ts` in short, with a kernel of its own, DHCP, and cloud-init before the network is up. */
describe("an EC2 instance that is a virtual machine", function () {
  this.timeout(900_000);
  this.bail(true);
  let dir: string;
  let aws: Aws;
  let account: Account;
  let internet: Internet;
  let hosts: Hosts;
  let id: string;
  let address: { id: string; ip: string };

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), "peer-relay-vm-"));
    internet = await startInternet({ dir: join(dir, "internet") });
    await internet.attach("client", ["198.51.100.77"]);
    aws = await startAws({ dir });
    account = new Account(aws);
    const options = { internet, aws, regions: [region], dir: join(dir, "hosts") };
    hosts = await startHosts({ ...options, kind: "machine" });
  });

  after(async () => {
    account?.close();
    await hosts?.close();
    await aws?.close();
    await internet?.close();
    if (dir) rmSync(dir, { recursive: true, force: true });
  });

  it("boots its own kernel, finds its user data, and installs tailscale", async () => {
    address = await account.allocate();
    await account.putParameter(secret);
    await account.role("relay");
    await account.allowParameter("relay");
    const { vpcId, subnetId } = await account.network();
    const group = await account.group(vpcId, "relay");
    await account.openPort(group);
    const more = {
      SubnetId: subnetId,
      SecurityGroupIds: [group],
      IamInstanceProfile: { Name: "relay" },
    };
    id = await account.launch(more, relayUserData(address.ip, hosts));
    await account.associate(id, address);
    await hosts.poll();
    assert.deepEqual(hosts.pollErrors, []);
    const host = hosts.host(id);
    await host.booted();
    const tailscale = async () => (await host.run("dpkg-query -W -f '${Version}' tailscale")).text;
    await until(
      "tailscale",
      async () => (await tailscale()) === "1.102.3",
      300,
      () => host.journal(),
    );
    assert.match(await host.must("cloud-init status --long --wait"), /status: done[^]*DataSourceEc2Local/);
    assert.deepEqual(
      [
        await host.must("cloud-init query instance_id"),
        await host.must("systemd-detect-virt --container; cat /sys/class/dmi/id/bios_vendor"),
        (await host.must("ip -4 -o addr show ens5")).includes("dynamic"),
      ],
      [id, "none\nAmazon EC2", true],
    );
  });

  it("reads its parameter, and is reached by its Elastic IP", async () => {
    const host = hosts.host(id);
    const got = await host.must(
      `. /etc/peer-relay/relay.env; export PEER_RELAY_SSM_ENDPOINT
      /usr/local/lib/peer-relay/aws parameter ${parameter} /run/got; cat /run/got; rm /run/got`,
    );
    await host.must(`systemctl disable --now peer-relay.service; ${echo}`);
    const ask = ["ip", "netns", "exec", "client", "python3", "-c", probe, address.ip, "5000"];
    const heard = async () => (await execute(ask)).text.trim();
    assert.deepEqual([got, await heard()], [secret, "hello from 198.51.100.77"]);
  });

  it("keeps its disk over a reboot, a stop and a start, and goes with its termination", async () => {
    const host = hosts.host(id);
    await host.must("echo kept >/root/file");
    await host.reboot();
    assert.equal(await host.must("cat /root/file"), "kept");
    await account.stop(id);
    await hosts.poll();
    assert.equal(hosts.status()[0]?.state, "off");
    await account.start(id);
    await hosts.poll();
    await host.booted();
    assert.equal(await host.must("cat /root/file"), "kept");
    await account.terminate(id);
    await hosts.poll();
    const left = await execute(["pgrep", "-l", "qemu|dnsmasq"]);
    assert.deepEqual([hosts.status()[0]?.state, left.text, hosts.pollErrors], ["off", "", []]);
  });
});
