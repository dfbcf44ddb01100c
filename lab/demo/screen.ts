import { structuredPatch } from "diff";

/** What the demo prints: plain text, with colours on a terminal (and none where NO_COLOR asks for none). */
const coloured = Boolean(process.stdout.isTTY || process.env.FORCE_COLOR) && !process.env.NO_COLOR;

const paint = (code: number) => (text: string) => (coloured ? `\u001b[${code}m${text}\u001b[0m` : text);
export const bold = paint(1);
export const dim = paint(2);
export const red = paint(31);
export const green = paint(32);
export const cyan = paint(36);

const startedAt = Date.now();

export function say(text = ""): void {
  process.stdout.write(`${text}\n`);
}

/** A heading with the time since the start. */
export function step(text: string): void {
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(0).padStart(3);
  say(`\n${cyan(`[${seconds} s]`)} ${bold(text)}`);
}

/** The difference between two texts as unified hunks, coloured. */
export function showDiff(what: string, before: string, after: string): void {
  if (before === after) {
    say(dim(`  ${what}: unchanged, byte for byte`));
    return;
  }
  say(dim(`  ${what}:`));
  const { hunks } = structuredPatch("before", "after", before, after, "", "", { context: 2 });
  for (const hunk of hunks) {
    say(cyan(`  @@ -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@`));
    for (const line of hunk.lines) {
      const text = `  ${line.replace(/\r$/, "")}`;
      say(line.startsWith("+") ? green(text) : line.startsWith("-") ? red(text) : dim(text));
    }
  }
}
