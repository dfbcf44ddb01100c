import type { Provider } from "./kind";
import { serveProvider } from "./serve";

/** Put in by the bundler: the version that the plugin stands in for. */
declare const PLUGIN_VERSION: string;

const ORPHAN_CHECK_MS = 1000;

/**
 * A plugin's entry point: serves the provider, tells the engine the port on the first line of standard output, and ends
 * with the engine, even when that was killed. The engine has each plugin in a process group of its own, and sends SIGINT
 * to tell it to go; a plugin that stays is waited for, five seconds a command. A user's Ctrl-C does not come here.
 */
export function runPlugin<C>(provider: Provider<C>): void {
  const parent = process.ppid;
  process.on("SIGINT", () => process.exit(0));
  setInterval(() => {
    if (process.ppid !== parent) process.exit(0);
  }, ORPHAN_CHECK_MS).unref();
  serveProvider(provider, PLUGIN_VERSION).then(
    ({ port }) => process.stdout.write(`${port}\n`),
    (error: Error) => {
      process.stderr.write(`${error.message}\n`);
      process.exit(1);
    },
  );
}
