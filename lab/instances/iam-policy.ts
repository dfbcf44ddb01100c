/** One IAM policy document, parsed. */
export interface PolicyDocument {
  Statement?: Statement | Statement[];
}

interface Statement {
  Effect?: string;
  Action?: string | string[];
  NotAction?: string | string[];
  Resource?: string | string[];
  NotResource?: string | string[];
  Principal?: { Service?: string | string[] } | "*";
  Condition?: unknown;
}

/**
 * Whether the identity policies allow the action on the resource: one statement allows it and none denies it.
 *
 * A statement with a `Condition` never allows here and always denies: the lab does not evaluate conditions, and so
 * errs on the side of "no".
 */
export function allows(documents: readonly PolicyDocument[], action: string, resource: string): boolean {
  const hits = documents
    .flatMap(statements)
    .filter((s) => matchesAction(s, action) && matchesResource(s, resource));
  if (hits.some((s) => s.Effect === "Deny")) return false;
  return hits.some((s) => s.Effect === "Allow" && s.Condition === undefined);
}

/** Whether a role's trust policy lets EC2 instances have the role. */
export function trustsEc2(document: PolicyDocument): boolean {
  return statements(document).some((s) => {
    const services = s.Principal === "*" ? [] : many(s.Principal?.Service);
    return (
      s.Effect === "Allow" && services.includes("ec2.amazonaws.com") && matchesAction(s, "sts:AssumeRole")
    );
  });
}

function statements(document: PolicyDocument): Statement[] {
  return many(document.Statement);
}

function matchesAction(s: Statement, action: string): boolean {
  const like = (patterns: string | string[] | undefined) => many(patterns).some((p) => glob(p, action, true));
  return s.NotAction === undefined ? like(s.Action) : !like(s.NotAction);
}

function matchesResource(s: Statement, resource: string): boolean {
  const like = (patterns: string | string[] | undefined) =>
    many(patterns).some((p) => glob(p, resource, false));
  return s.NotResource === undefined ? like(s.Resource) : !like(s.NotResource);
}

/** `*` is any text, `?` any character. Actions are matched without regard to case, resources with it. */
function glob(pattern: string, text: string, ignoreCase: boolean): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*/g, ".*")
    .replace(/\?/g, ".");
  return new RegExp(`^${source}$`, ignoreCase ? "is" : "s").test(text);
}

function many<T>(value: T | T[] | undefined): T[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}
