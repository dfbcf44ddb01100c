import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { say, step } from "../../demo/screen";
import { summarize } from "../stats";
import { figure, ratio, table } from "../table";
import { type BenchFile, FILES } from "./files";
import { type Edit, EDITS, edits, type Measured } from "./measure";

/*
 * What a merge into a large policy file takes, and how that grows with the file. It needs no lab, and runs anywhere.
 */

type Row = { file: BenchFile; bytes: number; measured: Record<Edit, Measured> };

function measureFile(file: BenchFile): Row {
  const script = join(__dirname, "measure.ts");
  const text = file.make();
  const added = edits.add(text);
  const one = (edit: Edit): Measured => {
    const input = edit === "add" ? text : added;
    const args = ["--import", "tsx", script, edit];
    return JSON.parse(execFileSync(process.execPath, args, { input, encoding: "utf8" })) as Measured;
  };
  const measured = { add: one("add"), change: one("change"), remove: one("remove") };
  return { file, bytes: Buffer.byteLength(text), measured };
}

/** The others were kept waiting, or ran code that was not compiled yet. */
function fastest({ milliseconds }: Measured): number[] {
  return [summarize(milliseconds).min];
}

/** Each edit's time, and beside it how many times that of the file with half as many grants. */
function cells({ file, bytes, measured }: Row, rows: Row[]): string[] {
  const half = rows.find((row) => row.file.name === file.name && row.file.grants * 2 === file.grants);
  return [
    nameOf(file),
    (bytes / 1e6).toFixed(2),
    ...EDITS.flatMap((edit) => [
      figure(fastest(measured[edit])[0] ?? 0),
      half && file.grants > 0 ? ratio(fastest(measured[edit]), fastest(half.measured[edit])) : "-",
    ]),
    ...EDITS.map((edit) => measured[edit].mebibytes.toFixed(0)),
  ];
}

function nameOf({ grants, name }: BenchFile): string {
  return grants > 0 ? `${grants} ${name}` : name;
}

function main(): void {
  step("A relay's two grants and its tag, merged into large policy files");
  const rows = FILES.map((file) => {
    say(`  ${nameOf(file)}`);
    return measureFile(file);
  });
  step("CPU time, the fastest of five, and what the first one added to the process's memory at its peak");
  const times = EDITS.flatMap((edit) => [`${edit} ms`, "to half"]);
  const head = ["policy file", "MB", ...times, ...EDITS.map((edit) => `${edit} MiB`)];
  const body = rows.map((row) => cells(row, rows));
  for (const line of table(head, body)) say(`  ${line}`);
}

main();
