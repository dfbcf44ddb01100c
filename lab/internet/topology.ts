import { addFirewall, addNat } from "./gateways";
import type { Internet } from "./internet";

/**
 * The gateways of the lab: two hard NATs, `nat-a` and `nat-b`, an easy one, `nat-c`, and `firewall-6`, behind which
 * there is IPv6 only.
 */
export async function addStandardGateways(internet: Internet): Promise<void> {
  await Promise.all([
    addNat(internet, { name: "nat-a", kind: "hard", address: "198.51.100.31", lan: 31 }),
    addNat(internet, { name: "nat-b", kind: "hard", address: "198.51.100.32", lan: 32 }),
    addNat(internet, { name: "nat-c", kind: "easy", address: "198.51.100.33", lan: 33 }),
    addFirewall(internet, { name: "firewall-6", prefix: "2001:db8:6::" }),
  ]);
}
