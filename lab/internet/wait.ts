import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 50;

/**
 * Waits for a condition.
 * @param seen what was seen last, for the error
 * @throws after `seconds`
 */
export async function until(
  what: string,
  seconds: number,
  condition: () => boolean | Promise<boolean>,
  seen: () => string,
): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${what}\n${seen()}`);
    await sleep(POLL_MS);
  }
}
