import assert from "node:assert/strict";
import { renderPicture, type LabState } from "../../../lab/demo/picture";
import { useBrowser } from "./browser";
import { boxesOnPath, crossedTexts, faintTexts, hiddenBoxes, overlappingTexts, spilledTexts } from "./checks";
import type { Look } from "./look";
import { onDerp, onRelay, relay, relays } from "./state";

/** A relay that says as much as one can. */
const crowded = {
  ...relay(1),
  hostname: "production-ap-northeast-1-relay-eleven-203-0-113-130",
  region: "ap-northeast-1",
  endpoint: "[2001:db8:1234:5678:9abc:def0:1234:5678]:40000",
  tailscaleIp: "fd7a:115c:a1e0:1234:5678:9abc:def0:1234",
  isOpen: false,
  forwarded: { bytes: 987_654_321_098_765, packets: 987_654_321_098 },
};

/** What a browser makes of the page's fonts, sizes and colours; the layout itself has its tests in picture.test.ts. */
describe("The demo's picture in Chromium", function () {
  this.timeout(60_000);
  const look = useBrowser();
  const usual = renderPicture({ before: onDerp, after: onRelay(relays(2)) });
  const ends = (stop: string) => ["laptop", "nat-a", "internet", stop, "internet", "nat-b", "desktop"];
  const way = (seen: Look, index: number) =>
    boxesOnPath(seen, index).map((id) => id.replace(/^(device|nat) /, ""));

  it("shows the devices, DERP and the relays at once on a screen of 1366 x 1100, with nothing wider than it", async () => {
    const seen = await look(usual);
    const { drawings, viewport, page } = seen;
    const servers = ["control", "derp derp-1", "derp derp-2"];
    const both = ["internet", "device laptop", "device desktop", "nat nat-a", "nat nat-b", ...servers];
    const found = relays(2).map(({ hostname }) => `relay ${hostname}`);
    assert.deepEqual(
      drawings.map(({ boxes }) => boxes.map(({ id }) => id)),
      [
        [...both, "no relay", "latency"],
        [...both, ...found, "latency"],
      ],
    );
    assert.deepEqual([hiddenBoxes(seen), page.width], [[], viewport.width]);
  });

  it("takes the line through DERP before, and through the relay and not through DERP after", async () => {
    const seen = await look(usual);
    const relayBox = `relay ${relay(1).hostname}`;
    assert.deepEqual([way(seen, 0), way(seen, 1)], [ends("derp derp-1"), ends(relayBox)]);
  });

  const states: [string, LabState][] = [
    ["no relay", onDerp],
    ["one relay", onRelay(relays(1))],
    ["seven relays and the last but one on the path", onRelay(relays(7), relay(6))],
    ["long names, a closed port and large figures", onRelay([crowded])],
  ];
  for (const [what, state] of states) {
    it(`lays out ${what} without a text on another, out of its box or under the line`, async () => {
      const seen = await look(renderPicture({ before: onDerp, after: state }), { height: 2000 });
      const spoilt = [overlappingTexts(seen), spilledTexts(seen), crossedTexts(seen), hiddenBoxes(seen)];
      assert.deepEqual(spoilt, [[], [], [], []]);
      assert.ok(seen.texts.length > 30);
    });
  }

  it("is readable in light and in dark", async () => {
    const light = await look(usual, { colours: "light", height: 1400 });
    const dark = await look(usual, { colours: "dark", height: 1400 });
    const title = ({ texts }: Look) => texts[0]?.colours;
    assert.deepEqual([faintTexts(light), faintTexts(dark)], [[], []]);
    assert.notDeepEqual(title(light), title(dark));
  });

  it("asks the network for nothing, and has nothing to complain of", async () => {
    assert.deepEqual((await look(usual)).problems, []);
  });

  it("shows markup in a name as text", async () => {
    const [laptop, desktop] = onDerp.devices;
    const devices: LabState["devices"] = [{ ...laptop, name: "<i>a</i>" }, desktop];
    const seen = await look(renderPicture({ before: { ...onDerp, devices }, after: onDerp }));
    assert.deepEqual([seen.marks, seen.texts.some(({ text }) => text === "<i>a</i>")], [0, true]);
  });
});
