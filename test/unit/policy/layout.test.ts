import assert from "node:assert/strict";
import { addFragment } from "../../../components/policy";

const grant = { src: ["*"], dst: ["tag:relay"], ip: ["*"] };
const fragment = { owner: "shop/relay", grants: [grant], tagOwners: {} };
const span = [
  "// peer-relay: shop/relay grant#1 930834b27a60 (managed by Pulumi: change it in the stack)",
  '{"src": ["*"], "dst": ["tag:relay"], "ip": ["*"]},',
];

/** [what stands there, before, after with each line of ours as `<`] */
const places: [string, string, string][] = [
  ["an empty list", '{"grants": []}', '{"grants": [\n\t\t<\n\t\t<]}'],
  ["an empty list of two lines", '{\n\t"grants": [\n\t]\n}', '{\n\t"grants": [\n\t\t<\n\t\t<\n\t]\n}'],
  ["a block comment alone", '{"grants": [ /* c */ ]}', '{"grants": [ /* c */\n\t\t<\n\t\t< ]}'],
  ["a block comment and a value", '{"grants": [/* c */ {}]}', '{"grants": [\n\t\t<\n\t\t</* c */ {}]}'],
  ["a block comment and a line break", '{"grants": [/* c */ \n{}]}', '{"grants": [/* c */ \n<\n<\n{}]}'],
  ["a line comment", '{"grants": [ // c\n    {}]}', '{"grants": [ // c\n    <\n    <\n    {}]}'],
  ["a line comment and CRLF", '{\r\n"grants": [// c\r\n{}]}', '{\r\n"grants": [// c\r\n<\r\n<\r\n{}]}'],
  ["two spaces", '{\n  "grants": [\n  ]\n}', '{\n  "grants": [\n    <\n    <\n  ]\n}'],
  ["others' indentation", '{\n  "grants": [\n   {}\n  ]\n}', '{\n  "grants": [\n   <\n   <\n   {}\n  ]\n}'],
  ["no indentation", '{\n"grants": [\n]\n}', '{\n"grants": [\n<\n<\n]\n}'],
  ["a value on the bracket's line", '{"grants": [{\n}]}', '{"grants": [\n\t\t<\n\t\t<{\n}]}'],
  ["nothing but acls", '{\n  "acls": []\n}', '{\n  (\n  "grants": [\n    <\n    <\n  ],\n  "acls": []\n}'],
];

describe("a new grant", () => {
  for (const [what, before, after] of places) {
    it(`has its place before ${what}`, () => {
      let line = 0;
      const expected = after
        .replace("(", "// peer-relay: * section - (goes with its last entry)")
        .replace(/</g, () => span[line++] ?? assert.fail());
      assert.equal(addFragment(before, fragment), expected);
    });
  }
});
