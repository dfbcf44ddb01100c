/** One sample of Prometheus' text format. */
export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** The samples in what `tailscale metrics print` prints. */
export function parseMetrics(text: string): Sample[] {
  const lines = text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm);
  return [...lines].map(([, name = "", labels = "", value]) => ({
    name,
    labels: Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, of]) => [key!, of!])),
    value: Number(value),
  }));
}

/** Ways that a tailnet's packets go. */
export type Way = "direct" | "peer-relay" | "derp";

/** Bytes that a client has sent, by the way they went. */
export function sentBytes(text: string): Record<Way, number> {
  const sent: Record<Way, number> = { direct: 0, "peer-relay": 0, derp: 0 };
  for (const { name, labels, value } of parseMetrics(text)) {
    if (name !== "tailscaled_outbound_bytes_total") continue;
    const way = wayOf(labels.path ?? "");
    if (way) sent[way] += value;
  }
  return sent;
}

function wayOf(label: string): Way | undefined {
  if (label.startsWith("peer_relay_")) return "peer-relay";
  return label.startsWith("direct_") ? "direct" : label === "derp" ? "derp" : undefined;
}

/** Some packets may go another way while a path is looked for anew; more than this and the figure is not that path's. */
const SHARE_MINIMUM = 0.95;

/**
 * Whether what a client sent between two looks at its metrics went the way it should have.
 * @param atLeast bytes that arrived, so that as many must have been sent
 * @throws with the share of each way
 */
export function assertWay(way: Way, before: string, after: string, atLeast: number): void {
  const [was, is] = [sentBytes(before), sentBytes(after)];
  const ways = Object.keys(is) as Way[];
  const total = ways.reduce((sum, each) => sum + is[each] - was[each], 0);
  const sent = is[way] - was[way];
  if (sent >= atLeast * SHARE_MINIMUM && sent >= total * SHARE_MINIMUM) return;
  const shares = ways.map((each) => `${is[each] - was[each]} bytes by ${each}`).join(", ");
  throw new Error(
    `what was measured as ${way} did not go that way: ${atLeast} bytes arrived; sent: ${shares}`,
  );
}

/** Whether what arrived passed the tailnet by. @throws with what a client sent over the tailnet meanwhile */
export function assertNoWay(before: string, after: string, arrived: number): void {
  const total = (text: string) => Object.values(sentBytes(text)).reduce((sum, bytes) => sum + bytes, 0);
  const sent = total(after) - total(before);
  if (sent > arrived * (1 - SHARE_MINIMUM)) {
    throw new Error(
      `what was measured without tailscale went over it: ${arrived} bytes arrived, ${sent} sent`,
    );
  }
}
