import { spawnSync } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { chromium, type BrowserContext } from "playwright-core";
import { lookAt, type Look, type LookOptions } from "./look";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

const FLAGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];

/** The first Chromium on PATH that runs: one of Ubuntu's packages only says where to get one. */
export function findChromium(): string | undefined {
  const directories = (process.env.PATH ?? "").split(delimiter);
  return NAMES.flatMap((name) => directories.map((directory) => join(directory, name))).find(answers);
}

function answers(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
  } catch {
    return false;
  }
  return spawnSync(file, ["--version"], { timeout: 20_000 }).status === 0;
}

/**
 * For a suite: a browser with an empty profile and no network, from its first test to its last.
 * @returns what opens a page, given as text, in it; where there is no Chromium the suite is skipped
 */
export function useBrowser(): (html: string, options?: LookOptions) => Promise<Look> {
  let dir = "";
  let context: BrowserContext | undefined;
  before(async function () {
    const executablePath = findChromium();
    if (!executablePath) {
      console.log("    skipped: no Chromium on PATH (as root on Debian, scripts/setup browser installs one)");
      this.skip();
    }
    dir = mkdtempSync(join(tmpdir(), "peer-relay-browser-"));
    context = await chromium.launchPersistentContext(join(dir, "profile"), {
      ...{ executablePath, headless: true, offline: true, args: FLAGS },
    });
  });
  after(async () => {
    await context?.close();
    if (dir) rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
  });
  return (html, options) => {
    const file = join(dir, "topology.html");
    writeFileSync(file, html);
    return lookAt(context!, file, options);
  };
}
