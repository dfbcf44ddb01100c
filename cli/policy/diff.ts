import { createTwoFilesPatch, FILE_HEADERS_ONLY } from "diff";
import type { Paint } from "../terminal";

/** What an edit does to a file, as a unified diff that `patch -p1` takes; empty when it does nothing. */
export function unifiedDiff(fileName: string, before: string, after: string): string {
  if (before === after) return "";
  const options = { context: 3, headerOptions: FILE_HEADERS_ONLY };
  return createTwoFilesPatch(`a/${fileName}`, `b/${fileName}`, before, after, "", "", options);
}

/** The diff in the usual colours, line by line. */
export function paintDiff(diff: string, paint: Paint): string {
  return diff
    .split("\n")
    .map((line) => {
      if (/^(---|\+\+\+) /.test(line)) return paint("bold", line);
      if (line.startsWith("@@")) return paint("cyan", line);
      if (line.startsWith("+")) return paint("green", line);
      return line.startsWith("-") ? paint("red", line) : line;
    })
    .join("\n");
}
