import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import type { Internet } from "./internet";
import type { RunningProcess } from "./namespace";
import { until } from "./wait";

/** A DERP map as headscale reads it from a YAML file. */
export interface DerpMap {
  regions: Map<number, DerpRegion>;
}

/** A region of a {@link DerpMap}. */
export interface DerpRegion {
  regionid: number;
  /** What `tailscale ping` shows, as in `via DERP(derp-1)`. */
  regioncode: string;
  regionname: string;
  nodes: {
    name: string;
    regionid: number;
    hostname: string;
    ipv4: string;
    ipv6: string;
    /** The certificate's hash, which pins it. */
    certname: string;
  }[];
}

/** The running DERP servers. */
export interface Derp {
  map: DerpMap;
  /** The map in a file, for headscale. */
  mapFile: string;
  /** Takes the servers and their hosts away. */
  close(): Promise<void>;
}

/** One server is not enough: only with two can a client tell whether its NAT maps by destination. */
const REGIONS = [
  { id: 901, name: "derp-1", ipv4: "203.0.113.11", ipv6: "2001:db8:113::11" },
  { id: 902, name: "derp-2", ipv4: "203.0.113.12", ipv6: "2001:db8:113::12" },
];

/** Starts two DERP regions with STUN, each on an attached host of its own, `derp-1` and `derp-2`. */
export async function startDerp(internet: Internet): Promise<Derp> {
  const regions = await Promise.all(REGIONS.map((region) => startRegion(internet, region)));
  const map = { regions: new Map(regions.map((region) => [region.regionid, region])) };
  const mapFile = join(internet.dir, "derp.yaml");
  writeFileSync(mapFile, stringify(map));
  return {
    map,
    mapFile,
    async close() {
      for (const { name } of REGIONS) await internet.detach(name);
    },
  };
}

async function startRegion(
  internet: Internet,
  { id, name, ipv4, ipv6 }: (typeof REGIONS)[number],
): Promise<DerpRegion> {
  const host = await internet.attach(name, [ipv4, ipv6]);
  const dir = join(internet.dir, name);
  mkdirSync(dir, { recursive: true });
  const log = join(dir, "derper.log");
  // For an address as its name it makes a certificate by itself.
  const server = host.spawn(
    [
      ...["derper", "-a", ":443", "-http-port", "-1", "-stun", "-c", join(dir, "derper.key")],
      ...["-certmode", "manual", "-certdir", dir, "-hostname", ipv4],
    ],
    { log },
  );
  const certname = await certificateHash(server, log);
  await until(
    `${name} listens on port 443 and, for STUN, 3478`,
    20,
    async () => /:443 [^]*:3478 |:3478 [^]*:443 /.test((await host.run(["ss", "-Hlntu"])).stdout),
    () => server.lastWords(),
  );
  const node = { name: `${id}a`, regionid: id, hostname: ipv4, ipv4, ipv6, certname };
  return { regionid: id, regioncode: name, regionname: name, nodes: [node] };
}

/** derper prints it when it starts. */
async function certificateHash(server: RunningProcess, log: string): Promise<string> {
  let found: string | undefined;
  await until(
    `${server.name} prints the hash of its certificate`,
    20,
    () => {
      if (!server.running) throw new Error(server.lastWords());
      found = /sha256-raw:[0-9a-f]{64}/.exec(readFileSync(log, "utf8"))?.[0];
      return found !== undefined;
    },
    () => server.lastWords(),
  );
  return found ?? "";
}
