import { must } from "../../lab/hosts/command";
import type { PublicNetwork } from "../../lab/hosts";
export async function fakeInternet(): Promise<
  PublicNetwork & { sh(name: string, text: string): Promise<string> }
> {
  let n = 0;
  const links = new Map<string, string>();
  await must(["ip", "netns", "add", "internet"]);
  await must(["ip", "link", "set", "lo", "up"]);
  await must([
    "ip",
    "netns",
    "exec",
    "internet",
    "sysctl",
    "-qw",
    "net.ipv4.ip_forward=1",
    "net.ipv6.conf.all.forwarding=1",
  ]);
  await must([
    "sh",
    "-ec",
    `
ip link add net0 type veth peer name control netns internet
ip addr add 203.0.113.10/32 dev net0; ip link set net0 up
ip -n internet addr add 10.255.0.1/32 dev control; ip -n internet link set control up
ip route add 10.255.0.1 dev net0; ip route add default via 10.255.0.1 src 203.0.113.10
ip -n internet route add 203.0.113.10 dev control`,
  ]);
  const self = {
    async attach(name: string, addresses: string[]) {
      const i = ++n;
      links.set(name, `l${i}`);
      await must([
        "sh",
        "-ec",
        `
ip netns add ${name}
ip link add l${i} netns internet type veth peer name eth0 netns ${name}
ip -n internet addr add 10.255.${i}.1/30 dev l${i}; ip -n internet link set l${i} up
ip -n internet addr add fe80::1/64 dev l${i} nodad
ip -n ${name} link set lo up; ip -n ${name} link set eth0 up
ip -n ${name} addr add 10.255.${i}.2/30 dev eth0
ip -n ${name} route add default via 10.255.${i}.1
ip -n ${name} -6 route add default via fe80::1 dev eth0`,
      ]);
      for (const a of addresses) {
        await must(["ip", "-n", name, "addr", "add", a, "dev", "eth0"]);
        await self.route(a, name);
      }
      if (addresses[0])
        await must([
          "ip",
          "-n",
          name,
          "route",
          "replace",
          "default",
          "via",
          `10.255.${i}.1`,
          "src",
          addresses[0],
        ]);
      return { name };
    },
    async detach(name: string) {
      await must(["ip", "netns", "del", name]);
    },
    async route(a: string, name: string) {
      await must(["ip", "-n", "internet", "route", "replace", a, "dev", links.get(name)!]);
    },
    async unroute(a: string) {
      await must(["ip", "-n", "internet", "route", "del", a]);
    },
    sh: (name: string, text: string) => must(["ip", "netns", "exec", name, "sh", "-ec", text]),
  };
  return self;
}
