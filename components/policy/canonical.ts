import * as crypto from "node:crypto";

/** JSON with sorted keys: two values are the same value if and only if these texts are equal. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(canonical).join(",")}]`;
  }
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value)
      .filter(([, v]) => v !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([k, v]) => `${JSON.stringify(k)}:${canonical(v)}`);
    return `{${members.join(",")}}`;
  }
  return JSON.stringify(value);
}

/**
 * Twelve hex digits that stand for a value in its marker. They tell a change by hand from our own text without any
 * state; they are no protection against somebody who wants to forge them.
 */
export function digest(value: unknown): string {
  return crypto.createHash("sha256").update(canonical(value)).digest("hex").slice(0, 12);
}

/** JSON on one line with a space after `:` and `,`, as the admin console's formatter leaves it. */
export function inline(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(inline).join(", ")}]`;
  }
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).filter(([, v]) => v !== undefined);
    return `{${members.map(([k, v]) => `${JSON.stringify(k)}: ${inline(v)}`).join(", ")}}`;
  }
  return JSON.stringify(value);
}
