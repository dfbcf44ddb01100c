import type { OwnedPart, PresentPart } from "../../components/policy";
import type { Colour, Paint } from "../terminal";

/** What `show --json` prints. */
export interface ShowReport {
  target: string;
  owners: { owner: string; parts: Omit<OwnedPart, "owner">[] }[];
}

/** What `check --json` prints. */
export interface CheckReport {
  target: string;
  complete: boolean;
  fragments: { owner: string; complete: boolean; parts: PresentPart[] }[];
}

/** By owner, in the order of the file. @param owners only these; empty: all of them */
export function showReport(target: string, parts: OwnedPart[], owners: string[]): ShowReport {
  const names = [...new Set(parts.map(({ owner }) => owner))];
  const wanted = names.filter((name) => owners.length === 0 || owners.includes(name));
  const partsOf = (name: string) =>
    parts
      .filter(({ owner }) => owner === name)
      .map(({ part, line, state, value }) => ({ part, line, state, ...(value !== undefined && { value }) }));
  return { target, owners: wanted.map((owner) => ({ owner, parts: partsOf(owner) })) };
}

export function showText({ owners }: ShowReport, paint: Paint): string {
  const all = owners.flatMap(({ parts }) => parts);
  const width = (texts: string[]) => Math.max(0, ...texts.map((text) => text.length));
  const lines = width(all.map(({ line }) => String(line)));
  const names = width(all.map(({ part }) => part));
  const states = width(all.map(({ state }) => STATES[state].text));
  const row = ({ line, part, state, value }: Omit<OwnedPart, "owner">): string => {
    const { text, colour } = STATES[state];
    const shown = paint(colour, text) + " ".repeat(states - text.length);
    const said = value === undefined ? "" : JSON.stringify(value);
    return `  line ${String(line).padStart(lines)}  ${part.padEnd(names)}  ${shown}  ${said}`.trimEnd();
  };
  return owners
    .map(({ owner, parts }) => `${[paint("bold", ownerText(owner)), ...parts.map(row)].join("\n")}\n`)
    .join("\n");
}

export function checkReport(target: string, found: { owner: string; parts: PresentPart[] }[]): CheckReport {
  const fragments = found.map(({ owner, parts }) => ({
    owner,
    complete: parts.every(({ state }) => state === "present"),
    parts,
  }));
  return { target, complete: fragments.every(({ complete }) => complete), fragments };
}

export function checkText({ fragments }: CheckReport, paint: Paint): string {
  return fragments
    .map(({ owner, complete, parts }) => {
      const verdict = complete ? paint("green", "in full") : paint("red", "not in full");
      const rows = parts
        .filter(({ state, note }) => state !== "present" || note !== undefined)
        .map(({ part, state, note }) => `  ${part}: ${PRESENCE[state]}${note ? ` (${note})` : ""}`);
      return `${[`${paint("bold", owner)}: ${verdict}`, ...rows].join("\n")}\n`;
    })
    .join("");
}

const STATES: Record<OwnedPart["state"], { text: string; colour: Colour }> = {
  written: { text: "as written", colour: "green" },
  edited: { text: "edited by hand", colour: "yellow" },
  lost: { text: "marker without its value", colour: "red" },
};

const PRESENCE: Record<PresentPart["state"], string> = {
  present: "there, as somebody else's",
  missing: "missing",
  stale: "there, but not as the fragment has it now",
  edited: "edited by hand",
  open: "the grant that keepAllowAll added overrides others' rules",
};

function ownerText(owner: string): string {
  return owner === "*" ? "* (of no single owner: goes with the last one)" : owner;
}
