/** Text that is HTML (or SVG) already. */
export class Markup {
  constructor(readonly text: string) {}
}

type Value = string | number | Markup | Markup[];

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** A template for HTML: whatever is put into it is escaped, in text as in attributes, unless it is {@link Markup}. */
export function markup(parts: TemplateStringsArray, ...values: Value[]): Markup {
  const text = parts.map((part, index) => part + (index < values.length ? rendered(values[index]!) : ""));
  return new Markup(text.join(""));
}

function rendered(value: Value): string {
  if (value instanceof Markup) return value.text;
  if (Array.isArray(value)) return value.map(({ text }) => text).join("\n");
  return String(value).replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}
