import { Markup, markup } from "./markup";
import { panel } from "./panel";
import type { Device, LabState, LivePath } from "./state";
import { STYLE } from "./style";

export type { DerpRegion, Device, LabState, LivePath, Relay } from "./state";

/** The two moments of the demo. */
export interface Moments {
  before: LabState;
  after: LabState;
}

/**
 * Draws the lab's topology with the live path between the two devices, before and after: one HTML page that needs nothing
 * but itself.
 * @throws when a path goes by a DERP region or relay that the state does not have
 */
export function renderPicture({ before, after }: Moments): string {
  const [from, to] = after.devices;
  const title = `${from.name} and ${to.name}, ${natsOf(after.devices)}: ${KINDS[before.path.via]}, then ${KINDS[after.path.via]}`;
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p>Read from the lab while it ran, all of it on one machine: the times are the lab's, not a real network's.</p>
${moment("before", "Before", before)}
${moment("after", "After", after)}
${legend([before.path.via, after.path.via])}
${grantsOf(after)}
</main>
</body>
</html>
`.text;
}

function moment(id: string, when: string, state: LabState): Markup {
  const { devices, path } = state;
  const [from, to] = devices;
  const title = `${when}: ${from.name} reaches ${to.name} ${nameOf(path)}`;
  return markup`<section>
<h2 class="via-${path.via}">${when}: <span>${nameOf(path)}</span></h2>
<p class="ping"><code>${from.name}$ tailscale ping ${to.name}</code> <code>${path.pong}</code></p>
${panel(id, title, state)}
</section>`;
}

const KINDS: Record<LivePath["via"], string> = {
  DERP: "through DERP",
  "peer-relay": "through a peer relay",
  direct: "directly",
};

function nameOf(path: LivePath): string {
  switch (path.via) {
    case "DERP":
      return `through DERP, region ${path.region}`;
    case "peer-relay":
      return `through the peer relay at ${path.endpoint}`;
    case "direct":
      return "directly";
  }
}

function natsOf(devices: Device[]): string {
  const hard = devices.filter(({ nat }) => nat.isHard).length;
  return hard === 2
    ? "both behind hard NATs"
    : hard === 1
      ? "one behind a hard NAT"
      : "both behind easy NATs";
}

const LIVE_LINES: Record<LivePath["via"], string> = {
  DERP: "the path by DERP",
  "peer-relay": "the path by a peer relay",
  direct: "the direct path",
};

function legend(paths: LivePath["via"][]): Markup {
  const line = (look: string) => markup`<path class="${look}" d="M3 8H31"/>`;
  const used = Object.entries(LIVE_LINES).filter(([via]) => paths.some((path) => path === via));
  const entries: [string, Markup, string][] = [
    ...used.map(([via, text]): [string, Markup, string] => [`via-${via}`, line("live"), text]),
    [
      "chip-example",
      markup`<rect class="chip" x="2" y="2" width="30" height="12" rx="6"/>`,
      "a ping and its answer took",
    ],
    ["", line("link"), "another link"],
    ["", markup`<circle class="idle" cx="17" cy="8" r="4"/>`, "not on the path"],
  ];
  const items = entries.map(
    ([look, drawing, text]) =>
      markup`<li><svg class="${look}" viewBox="0 0 34 16" aria-hidden="true">${drawing}</svg><span>${text}</span></li>`,
  );
  return markup`<ul aria-label="Legend">
${items}
</ul>`;
}

function grantsOf({ grants }: LabState): Markup {
  if (grants.length === 0) return markup``;
  return markup`<section>
<h2>In the tailnet's policy file</h2>
<p>What lets the devices use the relays, as it stands there:</p>
<pre><code>${grants.join("\n")}</code></pre>
</section>`;
}
