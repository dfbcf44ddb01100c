import assert from "node:assert/strict";
import fc from "fast-check";
import { renderPicture, type LabState } from "../../../lab/demo/picture";
import { layOut, type Box, type Layout, type Point } from "../../../lab/demo/picture/layout";
import { linesOf, widthOf, wrap } from "../../../lab/demo/picture/text";
import { onDerp, onRelay, relay, relays } from "./state";

describe("The demo's picture", () => {
  it("takes the live path through the DERP region that the pong names, and through no other box", () => {
    const way = (region: string) =>
      passed(layOut({ ...onDerp, path: { ...onDerp.path, via: "DERP", region } }));
    const ends = (stop: string) => ["device laptop", "nat nat-a", stop, "nat nat-b", "device desktop"];
    assert.deepEqual(way("derp-1"), ends("derp derp-1"));
    assert.deepEqual(way("derp-2"), ends("derp derp-2"));
  });

  it("takes it through the pong's relay alone, however many relays and regions there are", () => {
    const numbers = fc.integer({ min: 1, max: 20 });
    fc.assert(
      fc.property(numbers, numbers, numbers, (count, chosen, regions) => {
        const all = relays(count);
        const live = all[(chosen - 1) % count]!;
        const derp = Array.from({ length: regions }, (_, n) => ({
          code: `derp-${n}`,
          address: `192.0.2.${n}`,
        }));
        const way = passed(layOut({ ...onRelay(all, live), derp }));
        const stop = `relay ${live.hostname}`;
        assert.deepEqual(way, ["device laptop", "nat nat-a", stop, "nat nat-b", "device desktop"]);
      }),
    );
  });

  it("takes a direct path straight over the internet", () => {
    const path = { via: "direct", address: "198.51.100.33:41641", latency: "1ms", pong: "" } as const;
    const layout = layOut({ ...onRelay(relays(2)), path });
    assert.deepEqual(passed(layout), ["device laptop", "nat nat-a", "nat nat-b", "device desktop"]);
  });

  it("puts no box on another one, and all of them into the picture", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20 }), (count) => {
        const state = count > 0 ? onRelay(relays(count)) : onDerp;
        const { boxes, width, height } = layOut(state);
        const outside = boxes.filter(
          (box) => box.x < 0 || box.y < 0 || box.x + box.width > width || box.y + box.height > height,
        );
        const pairs = boxes.flatMap((box, index) =>
          boxes.slice(index + 1).map((other) => [box, other] as const),
        );
        const overlapping = pairs.filter(([box, other]) => overlap(box, other));
        const ids = (found: Box[]) => found.map(({ id }) => id);
        assert.deepEqual([ids(outside), overlapping.map(([...both]) => ids(both))], [[], []]);
      }),
    );
  });

  it("links everything with the internet but what is on the path", () => {
    const count = (state: LabState) => layOut(state).links.length;
    assert.deepEqual([count(onDerp), count(onRelay(relays(1))), count(onRelay(relays(7)))], [2, 3, 9]);
  });

  it("says the path in words", () => {
    const html = renderPicture({ before: onDerp, after: onRelay([relay(1)]) });
    assert.deepEqual(
      [...html.matchAll(/<desc [^>]*>(.*)<\/desc>/g)].map(([, text]) => text),
      [
        "Packets from laptop to desktop go laptop → nat-a → DERP region derp-1 → nat-b → desktop; a ping&#39;s answer took 14ms.",
        "Packets from laptop to desktop go laptop → nat-a → relay prod-eu-central-1-relay-1-203-0-113-130 → nat-b → desktop; a ping&#39;s answer took 1ms.",
      ],
    );
  });

  it("has each fact of each relay, the pongs and the grants", () => {
    const closed = { ...relay(2), isOpen: false };
    const texts = textsOf(renderPicture({ before: onDerp, after: onRelay([relay(1), closed]) }));
    const wanted = [
      ...["prod-eu-central-1-relay-1-", "203-0-113-130", "203.0.113.130:40000", "● udp/40000 open"],
      ...["i-0123456789abcde01", "100.64.0.3", "1,234,567 bytes", "1,234 packets", "○ udp/40000 closed"],
      ...["2,469,134 bytes", onDerp.path.pong, onRelay([relay(1)]).path.pong, ...onRelay([relay(1)]).grants],
      ...["192.168.31.2", "198.51.100.32", "203.0.113.10", "203.0.113.12", "internet, router 203.0.113.1"],
    ];
    assert.deepEqual(wanted.filter((text) => !texts.includes(text)), []); // prettier-ignore
  });

  it("says so when there is no relay, and when a NAT is no hard one", () => {
    assert.ok(textsOf(renderPicture({ before: onDerp, after: onDerp })).includes("no peer relay"));
    const [laptop, desktop] = onDerp.devices;
    const easy: LabState["devices"] = [laptop, { ...desktop, nat: { ...desktop.nat, isHard: false } }];
    const title = textsOf(
      renderPicture({ before: onDerp, after: { ...onRelay([relay(1)]), devices: easy } }),
    )[0];
    assert.equal(title, "laptop and desktop, one behind a hard NAT: through DERP, then through a peer relay");
  });

  it("escapes whatever text it gets", () => {
    const mark = `<i>"'&`;
    const spoilt = spoil({ before: onDerp, after: onRelay(relays(2)) }, mark);
    const html = renderPicture(spoilt);
    assert.equal(html.includes("<i"), false);
    assert.equal(html.replace(/&(amp|lt|gt|quot|#39);/g, "").includes("&"), false);
    assert.ok(html.includes("laptop&lt;i&gt;&quot;&#39;&amp;"));
  });

  it("needs nothing but itself: no address to load from, no script", () => {
    const html = renderPicture({ before: onDerp, after: onRelay([relay(1)]) });
    assert.deepEqual(html.match(/<script|<link|<img|\bsrc=|\bhref=|url\(|@import/g), null);
  });

  it("refuses a path by a relay or a region that is not there", () => {
    const lost = { ...onRelay(relays(2)), path: onRelay([relay(3)]).path };
    assert.throws(() => renderPicture({ before: onDerp, after: lost }), {
      message:
        "the path goes by the relay at 203.0.113.132:40000, but there is 203.0.113.130:40000, 203.0.113.131:40000",
    });
    assert.throws(() => renderPicture({ before: { ...onDerp, derp: [] }, after: lost }), {
      message: "the path goes by the DERP region derp-1, but there is none",
    });
  });
});

describe("Text of the demo's picture", () => {
  it("is broken behind a mark, or where it has to be", () => {
    assert.deepEqual(wrap("prod-eu-central-1-relay", widthOf("prod-eu-cen")), [
      "prod-eu-",
      "central-1-",
      "relay",
    ]);
    assert.deepEqual(wrap("abcdefgh", widthOf("abc")), ["abc", "def", "gh"]);
    assert.deepEqual(wrap("short", widthOf("shorter")), ["short"]);
  });

  it("loses no character when broken, and no line is too wide", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9.:\-]*$/), fc.integer({ min: 1, max: 40 }), (text, most) => {
        const lines = wrap(text, most * widthOf("x"));
        assert.equal(lines.join(""), text);
        assert.deepEqual(lines.filter((line) => line.length > most), []); // prettier-ignore
      }),
    );
  });

  it("has its label beside it where there is room, else below", () => {
    const row = { value: "203.0.113.30:40000", label: "Elastic IP" };
    assert.deepEqual(linesOf(row, 229), [{ ...row, tone: undefined }]);
    assert.deepEqual(linesOf(row, 150), [{ value: row.value, tone: undefined }, { label: row.label }]);
  });
});

/** The boxes that a layout's live path goes through, in its order. */
function passed({ live, boxes }: Layout): string[] {
  const steps = live.slice(1).flatMap((point, index) => along(live[index]!, point));
  const ids = steps.flatMap((point) => boxes.filter((box) => contains(box, point)).map(({ id }) => id));
  return ids.filter((id, index) => id !== ids[index - 1]);
}

function along(from: Point, to: Point): Point[] {
  const count = Math.ceil(Math.hypot(to.x - from.x, to.y - from.y));
  return Array.from({ length: count + 1 }, (_, step) => ({
    x: from.x + ((to.x - from.x) * step) / (count || 1),
    y: from.y + ((to.y - from.y) * step) / (count || 1),
  }));
}

function contains(box: Box, { x, y }: Point): boolean {
  return x > box.x && x < box.x + box.width && y > box.y && y < box.y + box.height;
}

function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

/** The page's texts, unescaped, its title first. */
function textsOf(html: string): string[] {
  const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };
  const texts = html.replace(/<style>[^]*<\/style>/, "").split(/<[^>]*>/);
  return texts
    .map((text) => text.trim().replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => entities[name]!))
    .filter(Boolean);
}

/** The same with a mark at the end of every text but what has to be a URL or one of the known words. */
function spoil<T>(value: T, mark: string, key = ""): T {
  if (typeof value === "string") return (key === "url" || key === "via" ? value : value + mark) as T;
  if (Array.isArray(value)) return value.map((item) => spoil(item, mark)) as T;
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, item]) => [name, spoil(item, mark, name)]);
  return Object.fromEntries(entries) as T;
}
