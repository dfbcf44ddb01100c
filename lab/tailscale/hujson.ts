import * as jsonc from "jsonc-parser";
import { ApiError } from "./api-error";

/**
 * Reads HuJSON (JSON with comments and trailing commas) strictly: any error, text after the root value, a byte
 * order mark or an empty file is refused, with the line and the column as the service gives them.
 * Duplicate keys: the last one counts, as in Go's encoding/json; what the real service does is not known.
 * @throws ApiError 400
 */
export function parseHujson(text: string): unknown {
  const errors: jsonc.ParseError[] = [];
  const value: unknown = jsonc.parse(text, errors, { allowTrailingComma: true, allowEmptyContent: false });
  const first = errors[0];
  if (first) {
    const { line, column } = position(text, first.offset);
    const what = jsonc.printParseErrorCode(first.error);
    throw new ApiError(400, `hujson: line ${line}, column ${column}: ${what}`);
  }
  return value;
}

function position(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
