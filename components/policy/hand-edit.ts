import * as jsonc from "jsonc-parser";
import { inline } from "./canonical";
import { type Item, lineOf, type PolicyDocument } from "./document";

/** What stands in the file behind a marker, against what the fragment says: a few lines, `-` found, `+` expected. */
export function describeHandEdit(doc: PolicyDocument, item: Item, what: string, expected: unknown): string {
  const found: unknown = jsonc.getNodeValue(item.valueNode);
  const shown = item.key === undefined ? found : { [item.key]: found };
  return [
    `${what}, line ${lineOf(doc, item)}:`,
    ...diffLines(shown, expected).map((text) => `  ${text}`),
  ].join("\n");
}

function diffLines(found: unknown, expected: unknown): string[] {
  const [a, b] = [membersOf(found), membersOf(expected)];
  const keys = [...new Set([...Object.keys(b), ...Object.keys(a)])];
  return keys.flatMap((key) => {
    const [was, is] = [line(key, a[key]), line(key, b[key])];
    return was === is ? [`  ${was}`] : [...(was ? [`- ${was}`] : []), ...(is ? [`+ ${is}`] : [])];
  });
}

function line(key: string, value: unknown): string {
  return value === undefined ? "" : `${JSON.stringify(key)}: ${inline(value)}`;
}

function membersOf(value: unknown): Record<string, unknown> {
  if (value === undefined) {
    return {};
  }
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : { value };
}
