export type Colour = "red" | "green" | "yellow" | "cyan" | "bold";

const CODES: Record<Colour, number> = { bold: 1, red: 31, green: 32, yellow: 33, cyan: 36 };

/** Paints a text, or, where no colours are wanted, gives it back. */
export type Paint = (colour: Colour, text: string) => string;

export function painter(wanted: boolean): Paint {
  return (colour, text) => (wanted ? `\u001b[${CODES[colour]}m${text}\u001b[0m` : text);
}

/** Only on a terminal, and not where NO_COLOR has any value (no-color.org). */
export function wantsColours(isTerminal: boolean, env: NodeJS.ProcessEnv): boolean {
  return isTerminal && !env["NO_COLOR"];
}

/**
 * A text of others as a terminal may show it: comments in a policy file could have sequences in them that hide or move
 * text, and what is shown is what is confirmed.
 */
export function visible(text: string): string {
  return text.replace(
    /\r(?!\n)|[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
