import { readFileSync } from "node:fs";
import { join } from "node:path";
import { addFragment, type PolicyFragment, relayPolicyFragment } from "../../../components/policy";

/** The policy files that are merged with, by name. */
export interface BenchFile {
  name: string;
  /** 0 for a file that is as it was found. */
  grants: number;
  make: () => string;
}

const SIZES = [1250, 2500, 5000, 10000];

export const FILES: BenchFile[] = [
  { name: "a real one", grants: 0, make: realFile },
  ...SIZES.map((grants) => ({ name: "others' grants", grants, make: () => othersFile(grants) })),
  ...SIZES.map((grants) => ({ name: "relays' grants", grants, make: () => relaysFile(grants) })),
];

/** The fragment that comes, changes and goes: two grants and a tag owner. */
export function fragmentOf(owner: string, client = "tag:laptop", tag = "tag:relay-bench"): PolicyFragment {
  const tagOwners = { [tag]: ["autogroup:admin"] };
  return relayPolicyFragment({ owner, clients: [client], relay: [tag], ipAccess: ["*"], tagOwners });
}

function realFile(): string {
  return readFileSync(join(__dirname, "../../../test/corpus/065-ponomarev-studio.hujson"), "utf8");
}

function othersFile(grants: number): string {
  const rules = Array.from(
    { length: grants },
    (_, i) =>
      `\t\t// Ticket ${i}\n\t\t{"src": ["user${i}@example.com", "group:eng"], "dst": ["tag:s${i % 500}"], "ip": ["tcp:443"]},\n`,
  );
  return `{\n\t"grants": [\n${rules.join("")}\t],\n}\n`;
}

/** Two grants of each of many stacks. Made from one stack's: a marker's digest does not depend on the owner. */
function relaysFile(grants: number): string {
  const one = addFragment(othersFile(0), { ...fragmentOf("OWNER", "tag:phone", "tag:relay"), tagOwners: {} });
  const spans = one.slice(one.indexOf("[") + 1, one.lastIndexOf("\n\t]"));
  const stacks = Array.from({ length: grants / 2 }, (_, i) =>
    spans.replaceAll("OWNER", `shop/stack-${i}/relay`),
  );
  return othersFile(0).replace("[\n", `[${stacks.join("")}\n`);
}
