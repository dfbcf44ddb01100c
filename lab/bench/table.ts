import { summarize } from "./stats";

/** Lines of text whose columns are aligned: the first one left, the others right. */
export function table(head: string[], rows: string[][]): string[] {
  const all = [head, ...rows];
  const wrong = rows.find((row) => row.length !== head.length);
  if (wrong)
    throw new Error(`a row of ${wrong.length} cells in a table of ${head.length}: ${wrong.join(", ")}`);
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const line = (row: string[]) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join("  ")
      .trimEnd();
  return [line(head), widths.map((width) => "-".repeat(width)).join("  "), ...rows.map(line)];
}

/** A number with about three digits that say something. */
export function figure(value: number): string {
  const size = Math.abs(value);
  if (size >= 100 || value === 0) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  return value.toFixed(size >= 0.1 ? 2 : 3);
}

/** The median, and what the repeats lie between: `1135 (1115-1145)`; nothing measured is `-`. */
export function spread(values: number[]): string {
  if (values.length === 0) return "-";
  const { median, min, max } = summarize(values);
  return values.length === 1 ? figure(median) : `${figure(median)} (${figure(min)}-${figure(max)})`;
}

/** How many times the other's median: `1.41x`. */
export function ratio(values: number[], to: number[]): string {
  if (values.length === 0 || to.length === 0) return "-";
  const [value, base] = [summarize(values).median, summarize(to).median];
  return base === 0 ? "-" : `${(value / base).toFixed(2)}x`;
}

/** Its median's part of the other's median: `48 %`. */
export function share(values: number[], of: number[]): string {
  if (values.length === 0 || of.length === 0) return "-";
  const [value, whole] = [summarize(values).median, summarize(of).median];
  return whole === 0 ? "-" : `${((100 * value) / whole).toFixed(0)} %`;
}
