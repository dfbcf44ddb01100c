import * as jsonc from "jsonc-parser";
import { ApiError } from "./api-error";
import type { ControlPlane } from "./control-plane";
import { hash } from "./secrets";
import { checkPolicy, type Policy } from "./validate";

/** What a new tailnet starts with: everything allowed, own devices by SSH. */
export const defaultPolicy = `// Example/default ACLs for unrestricted connections.
{
	// Declare static groups of users. Use autogroups for all users or users with a specific role.
	// "groups": {
	//  	"group:example": ["alice@example.com", "bob@example.com"],
	// },

	// Define the tags which can be applied to devices and by which users.
	// "tagOwners": {
	//  	"tag:example": ["autogroup:admin"],
	// },

	// Define grants that govern access for users, groups, autogroups, tags,
	// Tailscale IP addresses, and subnet ranges.
	"grants": [
		// Allow all connections.
		// Comment this section out if you want to define specific restrictions.
		{"src": ["*"], "dst": ["*"], "ip": ["*"]},
	],

	// Define users and devices that can use Tailscale SSH.
	"ssh": [
		// Allow all users to SSH into their own devices in check mode.
		// Comment this section out if you want to define specific restrictions.
		{
			"action": "check",
			"src":    ["autogroup:member"],
			"dst":    ["autogroup:self"],
			"users":  ["autogroup:nonroot", "root"],
		},
	],
}
`;

/** One version of the policy file and who wrote it. */
export interface Revision {
  text: string;
  by: "start" | "api" | "human";
  /** False for a write that carried no `If-Match`: it would have overwritten anybody's change. */
  guarded: boolean;
}

/** The tailnet's one policy file: text, ETag, and the rules for replacing it. */
export class PolicyFile {
  /** Every version there was, the first one first. */
  readonly history: Revision[] = [];
  /** Warnings that `validate` and `?details=1` show (the real service warns about unknown users, for one). */
  warnings: string[] = [];
  private current = "";
  private parsed: Policy = {};

  /** True until the first write: only then does `If-Match: "ts-default"` match. */
  private untouched = false;
  /** The write that is under way; the next one waits for it. */
  private writing: Promise<void> = Promise.resolve();

  private constructor(
    private readonly formatOnWrite: boolean,
    private readonly control: ControlPlane | undefined,
  ) {}

  /** @throws ApiError when `text` is not a policy that the service would have accepted */
  static async start(
    text: string | undefined,
    formatOnWrite = false,
    control?: ControlPlane,
  ): Promise<PolicyFile> {
    const file = new PolicyFile(formatOnWrite, control);
    await file.store(text ?? defaultPolicy, "start", true);
    file.untouched = text === undefined;
    return file;
  }

  get text(): string {
    return this.current;
  }

  /** The strong ETag, in quotes. */
  get etag(): string {
    return `"${hash(this.current)}"`;
  }

  /** The parsed policy. */
  get value(): Policy {
    return this.parsed;
  }

  /** The same policy as plain JSON text, comments gone. */
  get json(): string {
    return JSON.stringify(jsonc.parse(this.current, [], { allowTrailingComma: true }));
  }

  /** How many writes came without `If-Match`. Ours must never be among them. */
  get blindWrites(): number {
    return this.history.filter((r) => !r.guarded).length;
  }

  /** Owners of each tag, keyed by tag. */
  get tagOwners(): Record<string, string[]> {
    return this.parsed.tagOwners ?? {};
  }

  /**
   * Replaces the file, as `POST /acl` does. An empty body means "back to the default".
   * @throws ApiError 412 when `ifMatch` names another version, 400 when the policy is refused
   */
  write(text: string, ifMatch: string | undefined): Promise<void> {
    return this.inTurn(async () => {
      if (ifMatch !== undefined && !this.matches(ifMatch)) {
        throw new ApiError(412, "precondition failed, invalid old hash");
      }
      const next = text.trim() === "" ? defaultPolicy : text;
      await this.store(this.formatOnWrite ? reformat(next) : next, "api", ifMatch !== undefined);
      this.untouched = false;
    });
  }

  /** Somebody edits the file in the admin console. @throws ApiError 400 when the console would refuse to save */
  humanEdit(edit: (text: string) => string): Promise<void> {
    return this.inTurn(async () => {
      await this.store(edit(this.current), "human", true);
      this.untouched = false;
    });
  }

  /** One write after the other: what `If-Match` was compared with is what gets replaced. */
  private inTurn(write: () => Promise<void>): Promise<void> {
    const mine = this.writing.then(write);
    this.writing = mine.catch(() => undefined);
    return mine;
  }

  /** `If-Match` compares strongly (RFC 9110): a weak tag matches nothing. */
  private matches(ifMatch: string): boolean {
    const wanted = ifMatch.replace(/^"(.*)"$/, "$1");
    return wanted === "ts-default" ? this.untouched : `"${wanted}"` === this.etag;
  }

  /** The control server must take it before it counts. */
  private async store(text: string, by: Revision["by"], guarded: boolean): Promise<void> {
    const parsed = checkPolicy(text);
    await this.control?.setPolicy(text);
    this.parsed = parsed;
    this.current = text;
    this.history.push({ text, by, guarded });
  }
}

/**
 * A server that re-indents what it is given. Not the service's own formatter (that one also aligns values);
 * enough to prove that nobody counts on getting their bytes back.
 */
function reformat(text: string): string {
  return jsonc.applyEdits(
    text,
    jsonc.format(text, undefined, { insertSpaces: false, tabSize: 1, eol: "\n" }),
  );
}
