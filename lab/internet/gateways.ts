import type { Internet, Lan } from "./internet";
import type { NetNs } from "./namespace";

/**
 * How a NAT maps and filters, in RFC 4787's words.
 * - `hard`: address- and port-dependent mapping (a new random port for each peer), the same filtering
 * - `easy`: endpoint-independent mapping (the port stays) and filtering (who knows the port gets in)
 */
export type NatKind = "hard" | "easy";

/** Options of {@link addNat}. */
export interface NatOptions {
  name: string;
  kind: NatKind;
  /** Its public IPv4 address. */
  address: string;
  /** The network behind it is 192.168.`lan`.0/24. */
  lan: number;
}

/** Adds a NAT with a local IPv4 network behind it. */
export async function addNat(internet: Internet, { name, kind, address, lan }: NatOptions): Promise<Lan> {
  const gateway = await internet.attach(name, [address]);
  await gateway.sysctl({ "ipv4/ip_forward": 1, "ipv4/conf/all/rp_filter": 0 });
  await gateway.must(["nft", "-f", "-"], `${statefulFilter}\n${kind === "hard" ? hardNat : easyNat}`);
  return addLan(internet, gateway, {
    router: `192.168.${lan}.1`,
    length: 24,
    host: (number) => `192.168.${lan}.${number}`,
  });
}

/** Options of {@link addFirewall}. */
export interface FirewallOptions {
  name: string;
  /** A prefix of 64 bits that ends with `::`, e.g. `2001:db8:6::`. */
  prefix: string;
}

/** Adds a gateway to a network that has IPv6 only; it lets in nothing that was not asked for. */
export async function addFirewall(internet: Internet, { name, prefix }: FirewallOptions): Promise<Lan> {
  const gateway = await internet.attach(name, []);
  await internet.route(`${prefix}/64`, name);
  await gateway.sysctl({ "ipv6/conf/all/forwarding": 1 });
  await gateway.must(["nft", "-f", "-"], statefulFilter);
  return addLan(internet, gateway, {
    router: `${prefix}1`,
    length: 64,
    host: (number) => `${prefix}${number}`,
  });
}

interface Addressing {
  router: string;
  /** Of the prefix. */
  length: number;
  host: (number: number) => string;
}

async function addLan(
  internet: Internet,
  gateway: NetNs,
  { router, length, host }: Addressing,
): Promise<Lan> {
  const nodad = router.includes(":") ? "nodad" : "";
  await gateway.ip(
    "link add name lan type bridge",
    `address add ${router}/${length} dev lan ${nodad}`,
    "link set lan up",
  );
  let hosts = 0;
  const lan: Lan = {
    async join(name) {
      const number = ++hosts + 1;
      const client = await internet.makeNamespace(name);
      await internet
        .ns("control")
        .ip(`link add name port${number} netns ${gateway.name} type veth peer name eth0 netns ${name}`);
      await gateway.ip(`link set port${number} master lan up`);
      await client.ip(
        `address add ${host(number)}/${length} dev eth0 ${nodad}`,
        "link set eth0 up",
        `route add default via ${router}`,
      );
      return client;
    },
  };
  internet.lans.set(gateway.name, lan);
  return lan;
}

const statefulFilter = `table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iifname "lan" accept
    meta l4proto ipv6-icmp accept
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    ct status dnat accept
    iifname "lan" accept
  }
}`;

const hardNat = `table ip nat {
  chain postrouting {
    type nat hook postrouting priority srcnat;
    oifname "eth0" masquerade random,fully-random
  }
}`;

/** The kernel keeps the port where it is free, so that the port that a host used is the port that leads to it. */
const easyNat = `table ip nat {
  map mappings {
    type inet_service : ipv4_addr . inet_service
    flags dynamic
    size 65535
  }
  chain prerouting {
    type nat hook prerouting priority dstnat;
    iifname "eth0" meta l4proto udp dnat to udp dport map @mappings
  }
  chain postrouting {
    type nat hook postrouting priority srcnat;
    oifname "eth0" meta l4proto udp update @mappings { udp sport : ip saddr . udp sport }
    oifname "eth0" masquerade
  }
}`;
