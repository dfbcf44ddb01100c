import { spawnSync } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { chromium, type BrowserContext } from "playwright-core";
import { lookAt, type Look, type LookOptions } from "./look";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** Why nothing is looked at then. */
export const NO_CHROMIUM = "no Chromium on PATH (as root on Debian, scripts/setup browser installs one)";

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

/** A browser with an empty profile and no network. */
export async function startBrowser(
  executablePath: string,
): Promise<{ context: BrowserContext; close(): Promise<void> }> {
  const dir = mkdtempSync(join(tmpdir(), "peer-relay-browser-"));
  const remove = () => rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
  try {
    const context = await chromium.launchPersistentContext(dir, {
      ...{ executablePath, headless: true, offline: true, args: FLAGS },
    });
    return { context, close: () => context.close().finally(remove) };
  } catch (error) {
    remove();
    throw error;
  }
}

/**
 * For a suite: a browser from its first test to its last; where there is none, the suite is skipped.
 * @returns what shows a page, given as text, in it
 */
export function useBrowser(): (html: string, options?: LookOptions) => Promise<Look> {
  let dir = "";
  let browser: Awaited<ReturnType<typeof startBrowser>> | undefined;
  before(async function () {
    const executable = findChromium();
    if (!executable) {
      console.log(`    skipped: ${NO_CHROMIUM}`);
      this.skip();
    }
    dir = mkdtempSync(join(tmpdir(), "peer-relay-page-"));
    browser = await startBrowser(executable);
  });
  after(async () => {
    await browser?.close();
    if (dir) rmSync(dir, { recursive: true, force: true });
  });
  return (html, options) => {
    const file = join(dir, "topology.html");
    writeFileSync(file, html);
    return lookAt(browser!.context, file, options);
  };
}
