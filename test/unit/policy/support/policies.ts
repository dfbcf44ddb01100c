import fc from "fast-check";

/*
 * Policy files in all shapes that HuJSON has: a value first, then how it is written. No part of it knows what the merge
 * does with it.
 */

/** A value as it is to be written: a scalar's own text, or a list or an object of such. */
type Node = string | { list: Node[] } | { object: [name: string, Node][] };

/** How a file is written. */
interface Style {
  eol: string;
  indent: string;
  /** White space and comments, taken in turn for each place where something may stand. */
  gaps: string[];
  isExploded: boolean;
  hasTrailingCommas: boolean;
  /** In front of the root and behind it. */
  mark: string;
  last: string;
}

const gap = fc
  .array(
    fc.constantFrom(
      ...[
        "",
        " ",
        "\t",
        "\n",
        "\r\n",
        "\r",
        "\n\n\t",
        "/* c */",
        "/**/",
        "/* a\n * b\r\n */",
        "// d\n",
        "//\r\n",
      ],
      ...[
        "// [{\n",
        '/* "grants": [ */',
        "// peer-relay: nobody's remark\n",
        "// حبيبي 日本 🚦\n",
        "/* \u2028 */",
      ],
      ...["// peer-relay: shop/a grant#0 0123456789ab (no marker)\n"],
    ),
    { maxLength: 3 },
  )
  .map((parts) => parts.join(""));

const style: fc.Arbitrary<Style> = fc.record({
  eol: fc.constantFrom("\n", "\r\n"),
  indent: fc.constantFrom("\t", "  ", "    ", ""),
  gaps: fc.oneof(fc.constant<string[]>([""]), fc.array(gap, { minLength: 1, maxLength: 7 })),
  isExploded: fc.boolean(),
  hasTrailingCommas: fc.boolean(),
  mark: fc.constantFrom("", "", "\uFEFF"),
  last: fc.constantFrom("", "\n", "\r\n", "\n\n", " /* end */", "\n// end\n"),
});

const json = (value: unknown): string => JSON.stringify(value);

const text = fc.oneof(
  fc.constantFrom('"*"', '"tag:relay"', '"tag:a:22"', '"tag:relay-2"', '"autogroup:member"', '"100.64.0.1"'),
  fc.constantFrom(
    '"//"',
    '"/*\\""',
    '"[,]"',
    '"\\u0074ag:a"',
    '"\\/"',
    '"\\ud800"',
    '"\\ud83d\\udea6"',
    '"\u007f"',
  ),
  fc.constantFrom(
    '"日本@example.com"',
    '"\u202ecode"',
    '"e\u0301"',
    '"\u2028"',
    '"🚦"',
    '"\\b\\f\\n\\r\\t\\\\"',
    '""',
  ),
  fc.string({ unit: "grapheme", maxLength: 8 }).map(json),
);
const texts = fc.array(text, { maxLength: 3 }).map((list) => ({ list }));
const scalar = fc.oneof(
  text,
  fc.constantFrom(
    "true",
    "false",
    "null",
    "0",
    "-0",
    "1.50",
    "1e3",
    "-1E-7",
    "12345678901234567890",
    "1e999",
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(json),
);
const anything = fc.letrec<{ node: Node }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small" },
    scalar,
    fc.array(tie("node"), { maxLength: 3 }).map((list) => ({ list })),
    fc.array(fc.tuple(text, tie("node")), { maxLength: 3 }).map((object) => ({ object })),
  ),
})).node;
const deep = fc
  .tuple(fc.integer({ min: 1, max: 120 }), scalar)
  .map(([levels, inner]) =>
    Array.from({ length: levels }).reduce<Node>(
      (node, _, i) => (i % 2 ? { list: [node] } : { object: [['"d"', node]] }),
      inner,
    ),
  );

const grant: fc.Arbitrary<Node> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(texts, texts, texts).map(([a, b, c]) => grantOf(a, b, ["ip", c])) },
  { weight: 2, arbitrary: fc.tuple(texts, texts, anything).map(([a, b, c]) => grantOf(a, b, ["app", c])) },
  { weight: 1, arbitrary: fc.tuple(texts, texts).map(([a, b]) => grantOf(a, b, ["src", a], ["IP", b])) },
  { weight: 1, arbitrary: anything },
);

function grantOf(src: Node, dst: Node, ...more: [string, Node][]): Node {
  return { object: [['"src"', src], ['"dst"', dst], ...more.map(([k, v]): [string, Node] => [json(k), v])] };
}

/** So many that nobody wants to see each of them shrunk. */
const filler = fc
  .oneof(
    { weight: 60, arbitrary: fc.constant(0) },
    { weight: 6, arbitrary: fc.nat(60) },
    { weight: 1, arbitrary: fc.nat(2000) },
  )
  .map((count) =>
    Array.from({ length: count }, (_, i) =>
      grantOf({ list: [json(`u${i}@example.com`)] }, { list: [json(`tag:s${i % 50}`)] }, [
        "ip",
        { list: [json(`tcp:${i}`)] },
      ]),
    ),
  );

const grants = fc
  .tuple(fc.array(grant, { maxLength: 5 }), filler)
  .map(([some, many]): Node => ({ list: [...some, ...many] }));

const tagOwners = fc
  .uniqueArray(fc.tuple(fc.constantFrom("tag:a", "tag:relay", "tag:b", "tag:c"), texts), {
    maxLength: 3,
    selector: ([tag]) => tag,
  })
  .map((entries): Node => ({ object: entries.map(([tag, owners]) => [json(tag), owners]) }));

const named = (names: string[], value: fc.Arbitrary<Node>): fc.Arbitrary<[string, Node]> =>
  fc.tuple(fc.constantFrom(...names.map((name) => `"${name}"`)), value);

const grantsMember = named(["grants", "grants", "Grants", "gr\\u0061nts"], grants);
const aclsMember = named(["acls", "acls", "ACLs"], grants);
const tagOwnersMember = named(["tagOwners", "tagOwners", "tagowners"], tagOwners);
const other = fc.oneof(
  named(["groups", "hosts", "nodeAttrs", "ssh", "grants2", "acl", "日本", "__proto__", ""], anything),
  named(
    ["hosts"],
    fc.constant({
      object: [
        ['"x"', '"100.64.0.1"'],
        ['"x"', '"tag:a"'],
      ],
    }),
  ),
  named(["deep"], deep),
);

const members = fc
  .tuple(
    fc.option(grantsMember, { freq: 2 }),
    fc.option(aclsMember, { freq: 1 }),
    fc.option(tagOwnersMember, { freq: 1 }),
    fc.array(other, { maxLength: 3 }),
    // A second one of what may be there only once.
    fc.oneof(
      { weight: 15, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: fc.oneof(grantsMember, aclsMember, tagOwnersMember) },
    ),
  )
  .chain(([g, a, t, others, twice]) => {
    const all = [g, a, t, ...others, twice].filter((member) => member !== null);
    return fc.shuffledSubarray(all, { minLength: all.length });
  });

/** A whole file. */
export const policyText: fc.Arbitrary<string> = fc
  .tuple(members, style)
  .map(([object, how]) => writeFile({ object }, how));

function writeFile(root: Node, how: Style): string {
  let turn = 0;
  const gapHere = (): string => how.gaps[turn++ % how.gaps.length] ?? "";
  const write = (node: Node, depth: number): string => {
    if (typeof node === "string") {
      return node;
    }
    const [open, close] = "list" in node ? ["[", "]"] : ["{", "}"];
    const line = how.isExploded ? how.eol + how.indent.repeat(depth) : "";
    const items =
      "list" in node
        ? node.list.map((item) => write(item, depth + 1))
        : node.object.map(([name, value]) => `${name}${gapHere()}:${gapHere()} ${write(value, depth + 1)}`);
    const inner = items
      .map((item) => `${line}${line && how.indent}${gapHere()}${item}${gapHere()}`)
      .join(",");
    const comma = how.hasTrailingCommas && items.length > 0 ? "," : "";
    return `${open}${inner}${comma}${gapHere()}${items.length > 0 ? line : ""}${close}`;
  };
  return `${how.mark}${gapHere()}${write(root, 0)}${how.last}`;
}
