import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import { must, until, type Outcome } from "./command";
import { Disk } from "./disk";
import { GuestAgent } from "./guest-agent";
import { JsonSocket } from "./json-socket";
import type { Machine, MachineSettings } from "./machine";
import { seedImage } from "./seed";

const shutdownSeconds = 60;
/** AWS's own machines have such a UUID, and the same as serial number: cloud-init looks for that. */
const ec2Uuid = "ec2e1916-9099-7caf-fd21-012345abcdef";

/**
 * A machine with a kernel of its own: qemu, with emulated processors (a minute and a half to boot), which needs no
 * hardware support. Its image is `debianImage("machine")`; its address comes by DHCP, as on EC2. x86 only, and no IPv6.
 */
export class VirtualMachine implements Machine {
  readonly bootSeconds = 400;
  private qemu: ChildProcess | undefined;
  private dhcp: ChildProcess | undefined;
  private bootCount = 0;
  private plugPulled = false;
  private wantsReboot = false;
  private readonly agent: GuestAgent;

  private constructor(private readonly settings: MachineSettings) {
    this.agent = new GuestAgent(this.path("agent"));
  }

  static async make(settings: MachineSettings): Promise<VirtualMachine> {
    const machine = new VirtualMachine(settings);
    await machine.makeDisk();
    await machine.makeNetwork();
    return machine;
  }

  private path(name: string): string {
    return join(this.settings.directory, name);
  }

  private async makeDisk(): Promise<void> {
    const tree = await Disk.make(this.path("tree"), this.settings.image, 256);
    try {
      seedImage(tree.root, this.settings.ca);
      await must(["mke2fs", "-q", "-t", "ext4", "-d", tree.root, this.path("disk"), "2500M"]);
    } finally {
      await tree.remove();
    }
  }

  /** The machine's network card takes the place of the namespace's interface, whose address DHCP now gives. */
  private async makeNetwork(): Promise<void> {
    const { namespace, gateway, mac, privateIp } = this.settings;
    await must(["ip", "-n", namespace, "-batch", "-"], {
      input: [
        "addr flush dev ens5",
        "link set ens5 down",
        "link set ens5 address 02:00:5e:00:00:01",
        "link add bridge type bridge",
        "tuntap add tap mode tap",
        "link set ens5 master bridge",
        "link set tap master bridge",
        ...["ens5", "tap", "bridge"].map((link) => `link set ${link} up`),
      ].join("\n"),
    });
    this.dhcp = spawn(
      "ip",
      [
        ...["netns", "exec", gateway, "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0"],
        ...[
          "--user=",
          "--group=",
          "--pid-file=",
          "--leasefile-ro",
          "--interface=inside",
          "--bind-interfaces",
        ],
        // No name server to offer; DHCP clients differ in the id that they send.
        ...[`--dhcp-range=${privateIp},static`, `--dhcp-host=${mac},id:*,${privateIp},1h`, "--dhcp-option=6"],
        "--dhcp-authoritative",
      ],
      { stdio: "ignore" },
    );
  }

  isOn(): boolean {
    return this.qemu !== undefined;
  }

  boots(): number {
    return this.bootCount;
  }

  async start(): Promise<void> {
    if (this.qemu) return;
    this.plugPulled = false;
    await this.boot();
  }

  private async boot(): Promise<void> {
    this.bootCount++;
    this.wantsReboot = false;
    for (const socket of ["agent", "control"]) rmSync(this.path(socket), { force: true });
    const log = openSync(this.settings.consoleFile, "a");
    const child = spawn("ip", ["netns", "exec", this.settings.namespace, ...this.command()], {
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    this.qemu = child;
    child.once("exit", () => {
      this.qemu = undefined;
      if (this.wantsReboot && !this.plugPulled) void this.boot().catch(() => this.kill());
    });
    const control = await this.control();
    control.on("event", ({ event, data }) => {
      if (event === "SHUTDOWN") this.wantsReboot = (data as { reason?: string }).reason === "guest-reset";
    });
  }

  private command(): string[] {
    const { image, mac, consoleFile } = this.settings;
    return [
      "qemu-system-x86_64",
      ...["-machine", "pc", "-accel", "tcg,tb-size=1024", "-smp", "2", "-m", "1024"],
      ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
      ...[
        "-kernel",
        realpathSync(join(image, "vmlinuz")),
        "-initrd",
        realpathSync(join(image, "initrd.img")),
      ],
      ...["-append", "root=/dev/vda rw console=ttyS0"],
      ...["-smbios", "type=0,vendor=Amazon EC2"],
      ...["-smbios", `type=1,manufacturer=Amazon EC2,uuid=${ec2Uuid},serial=${ec2Uuid}`],
      ...["-drive", `file=${this.path("disk")},format=raw,if=virtio,cache=unsafe`],
      // The fifth slot is what makes it "ens5", as on EC2.
      ...["-netdev", "tap,id=net,ifname=tap,script=no,downscript=no"],
      ...["-device", `virtio-net-pci,netdev=net,mac=${mac},addr=0x5`],
      ...["-chardev", `file,id=console,path=${consoleFile},append=on`, "-serial", "chardev:console"],
      ...["-device", "virtio-serial", "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"],
      ...["-chardev", `socket,id=agent,path=${this.path("agent")},server=on,wait=off`],
      ...["-qmp", `unix:${this.path("control")},server=on,wait=off`],
    ];
  }

  /** qemu's own socket, ready for commands. */
  private async control(): Promise<JsonSocket> {
    let socket: JsonSocket | undefined;
    await until(
      "qemu starts",
      async () => {
        if (!this.qemu) throw new Error(`qemu did not start, see ${this.settings.consoleFile}`);
        socket = await JsonSocket.open(this.path("control")).catch(() => undefined);
        return socket !== undefined;
      },
      20,
    );
    await socket!.ask("qmp_capabilities");
    return socket!;
  }

  run(text: string): Promise<Outcome> {
    if (!this.qemu) return Promise.resolve({ code: null, text: "the host is not up" });
    return this.agent.run(text);
  }

  async stop(): Promise<void> {
    this.plugPulled = true; // whatever it wants: not again
    if (this.qemu) {
      await this.agent.run("systemctl poweroff");
      await until("shutdown", () => !this.qemu, shutdownSeconds).catch(() => undefined);
    }
    await this.kill();
  }

  async kill(): Promise<void> {
    this.plugPulled = true;
    const child = this.qemu;
    if (!child) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL"); // "ip netns exec" becomes qemu
    await gone;
  }

  async remove(): Promise<void> {
    await this.kill();
    const { dhcp } = this;
    if (dhcp && dhcp.exitCode === null && dhcp.signalCode === null) {
      const gone = new Promise((resolve) => dhcp.once("exit", resolve));
      dhcp.kill("SIGKILL");
      await gone;
    }
  }
}
