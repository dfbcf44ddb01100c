import { createTwoFilesPatch, FILE_HEADERS_ONLY } from "diff";

/** What an edit does to a file, as a unified diff that `patch -p1` takes; empty when it does nothing. */
export function unifiedDiff(fileName: string, before: string, after: string): string {
  if (before === after) return "";
  const options = { context: 3, headerOptions: FILE_HEADERS_ONLY };
  return createTwoFilesPatch(`a/${fileName}`, `b/${fileName}`, before, after, "", "", options);
}
