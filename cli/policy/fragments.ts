import * as jsonc from "jsonc-parser";
import { checkFragment, ownerIssues, type PolicyFragment, readRendering } from "../../components/policy";
import { placeOf } from "../../components/policy/policy-error";
import { show } from "../../components/validate";
import { CliError } from "../errors";

/**
 * Reads what `--fragment` names: one fragment, a list of them, or a fragment's HuJSON rendering, whose markers name the
 * owner. In a text without markers `--owner` names it; else it chooses.
 *
 * @param text JSON or HuJSON
 * @throws CliError `usage`, and PolicyError `invalid-policy` or `invalid-fragment`, with all that is wrong
 */
export function parseFragments(text: string, owners: string[]): PolicyFragment[] {
  const body = text.replace(/^\uFEFF/, "");
  const fragments = checkShapes(readAny(body, owners));
  fragments.forEach(checkFragment);
  const names = fragments.map(({ owner }) => owner);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw wrong(`must have each owner once, got ${show(twice)} twice`);
  }
  const unknown = owners.filter((owner) => !names.includes(owner));
  if (unknown.length > 0) {
    throw new CliError(
      "usage",
      `--owner must be one of ${names.join(", ")}, got ${unknown.map(show).join(", ")}`,
    );
  }
  return owners.length === 0 ? fragments : fragments.filter(({ owner }) => owners.includes(owner));
}

/** @throws CliError `usage` */
export function checkOwners(owners: string[]): void {
  const issues = owners.flatMap(ownerIssues);
  if (issues.length > 0) throw new CliError("usage", issues.map((issue) => `--${issue}`).join("\n"));
}

function parse(text: string): unknown {
  const errors: jsonc.ParseError[] = [];
  const value: unknown = jsonc.parse(text, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (!first) return value;
  const what = `${jsonc.printParseErrorCode(first.error)} at ${placeOf(text, first.offset)}`;
  throw wrong(`must be JSON or HuJSON (${what}), got ${show(text.trim())}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** As `renderFragment` makes it, or the same without its comments. */
function isRendering(value: unknown): boolean {
  return isObject(value) && !("owner" in value) && ("grants" in value || "tagOwners" in value);
}

function readAny(text: string, owners: string[]): unknown {
  const value = parse(text);
  return isRendering(value) ? readRendering(text, owners.length === 1 ? owners[0] : undefined) : value;
}

function checkShapes(value: unknown): PolicyFragment[] {
  const isList = Array.isArray(value);
  const list = isList ? (value as unknown[]) : [value];
  const issues = list.flatMap((entry, i) => shapeIssues(isList ? `[${i}]` : "", entry));
  if (issues.length > 0) throw wrong(issues.join("\n  "));
  return list as PolicyFragment[];
}

/** What must be right before the fragment's own check can look at it. */
function shapeIssues(path: string, value: unknown): string[] {
  if (!isObject(value)) {
    return [`${path} must be an object with owner, grants and tagOwners, got ${show(value)}`.trim()];
  }
  const at = (key: string) => (path ? `${path}.${key}` : key);
  const { grants, tagOwners } = value;
  const unknown = Object.keys(value).filter((key) => !["owner", "grants", "tagOwners"].includes(key));
  return [
    ...unknown.map((key) => `${at(key)} is not known, allowed are owner, grants and tagOwners`),
    ...("owner" in value ? [] : [`${at("owner")} must be given`]),
    ...(Array.isArray(grants)
      ? grantShapes(at("grants"), grants)
      : [`${at("grants")} must be a list, got ${show(grants)}`]),
    ...(isObject(tagOwners) ? [] : [`${at("tagOwners")} must be an object, got ${show(tagOwners)}`]),
  ];
}

function grantShapes(path: string, grants: unknown[]): string[] {
  return grants.flatMap((grant, i) => {
    if (!isObject(grant)) return [`${path}[${i}] must be an object, got ${show(grant)}`];
    const { app } = grant;
    return app === undefined || isObject(app)
      ? []
      : [`${path}[${i}].app must be an object, got ${show(app)}`];
  });
}

function wrong(issue: string): CliError {
  return new CliError("usage", `--fragment ${issue}`);
}
