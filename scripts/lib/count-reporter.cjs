// mocha's "spec" output, and at the end the counts for scripts/test in the file that PEER_RELAY_TEST_COUNTS names.
// Tests that leave something running keep mocha from ending: after a minute that is a failure, with the names of what runs.
/* eslint-disable @typescript-eslint/no-require-imports -- mocha loads a reporter with require */
const { appendFileSync } = require("node:fs");
const { reporters, Runner } = require("mocha");

module.exports = class CountReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats;
      appendFileSync(process.env.PEER_RELAY_TEST_COUNTS, `${passes} ${failures} ${pending}\n`);
      setTimeout(() => {
        console.error(
          `still running a minute after the last test: ${process.getActiveResourcesInfo().join(", ")}`,
        );
        process.exit(1);
      }, 60_000).unref();
    });
  }
};
