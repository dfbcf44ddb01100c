import assert from "node:assert/strict";
import { renderPicture } from "../../../lab/demo/picture";
import { useBrowser } from "./browser";
import { boxesOnPath, crossedTexts, faintTexts, hiddenBoxes, overlappingTexts, spilledTexts } from "./checks";
import type { Look } from "./look";
import { onDerp, onRelay, relay, relays } from "./state";

const hostname = `relay ${relay(1).hostname}`;
const policyOfPage = /<meta http-equiv="Content-Security-Policy"[^>]*>/;

/** With the first such text at the height of the other one. */
function moved(html: string, text: string, other: string): string {
  const [height] = new RegExp(`y="[^"]*">${other}<`).exec(html)?.[0].split(">") ?? [];
  return html.replace(new RegExp(`y="[^"]*">${text}<`), `${height}>${text}<`);
}

/** What is broken, how, what is looked at then, and what is to be found. */
const cases: [string, (html: string) => string, (seen: Look) => unknown, unknown][] = [
  [
    "a relay below the screen",
    (html) => html.replaceAll("<h2", '<h2 style="margin-top: 200px"'),
    (seen) => hiddenBoxes(seen).slice(0, 1),
    [hostname],
  ],
  [
    "a box that does not show",
    (html) => html.replace("</style>", ".derp { visibility: hidden }</style>"),
    hiddenBoxes,
    ["derp derp-1", "derp derp-2", "derp derp-1", "derp derp-2"],
  ],
  [
    "a line by DERP instead of the relay",
    (html) => {
      const [byDerp, byRelay] = [...html.matchAll(/data-live="" d="[^"]*"/g)].map(([found]) => found);
      return html.replace(byRelay!, byDerp!);
    },
    (seen) => boxesOnPath(seen, 1),
    [
      ...["device laptop", "nat nat-a", "internet", "derp derp-1"],
      ...["internet", "nat nat-b", "device desktop"],
    ],
  ],
  [
    "a line that does not show",
    (html) => html.replace("</style>", ".live { stroke: none }</style>"),
    (seen) => boxesOnPath(seen, 1),
    [],
  ],
  [
    "a text on another one",
    (html) => moved(html, "100.64.0.1", "laptop"),
    (seen) => overlappingTexts(seen)[0],
    "laptop / 100.64.0.1",
  ],
  [
    "a text that is too long for its box",
    (html) => html.replace("203.0.113.11<", "203.0.113.11, which is too long by far<"),
    spilledTexts,
    ["203.0.113.11, which is too long by far (derp derp-1)"],
  ],
  [
    "a text under something else",
    (html) => html.replace("</svg>", '<rect x="450" y="0" width="100" height="40"/></svg>'),
    (seen) => spilledTexts(seen).length > 0,
    true,
  ],
  [
    "a text under the line",
    (html) => moved(html, "internet, router 203.0.113.1", "14ms"),
    crossedTexts,
    ["internet, router 203.0.113.1"],
  ],
  [
    "a text too pale to be read",
    (html) => html.replace("--ink: #1b2430", "--ink: #c0c8d0"),
    (seen) => faintTexts(seen).length > 0,
    true,
  ],
  [
    "a picture from elsewhere, which the page's own policy refuses",
    (html) => html.replace("</main>", '<img src="https://example.com/x.png"></main>'),
    ({ problems }) => problems.some((problem) => /console: .*Content Security Policy/.test(problem)),
    true,
  ],
  [
    "a picture from elsewhere, without that policy",
    (html) =>
      html.replace(policyOfPage, "").replace("</main>", '<img src="https://example.com/x.png"></main>'),
    ({ problems }) => problems.slice(0, 1),
    ["request: https://example.com/x.png"],
  ],
  [
    "a script that fails, without that policy",
    (html) => html.replace(policyOfPage, "").replace("</main>", "<script>throw Error('no')</script></main>"),
    ({ problems }) => problems,
    ["error: no"],
  ],
  [
    "markup that came with a name",
    (html) => html.replace(">laptop<", "><i>laptop</i><"),
    ({ marks }) => marks,
    1,
  ],
];

/** The picture's tests in the browser rest on these. */
describe("A look at the demo's picture in Chromium finds", function () {
  this.timeout(60_000);
  const look = useBrowser();
  const html = renderPicture({ before: onDerp, after: onRelay(relays(2)) });

  for (const [what, spoil, find, expected] of cases) {
    it(what, async () => {
      const spoilt = spoil(html);
      assert.ok(spoilt !== html, "nothing was broken");
      assert.deepEqual(find(await look(spoilt)), expected);
    });
  }
});
