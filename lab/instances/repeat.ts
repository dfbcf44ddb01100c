/** Runs the task again and again, never twice at a time; `now` runs it once more at once. */
export function repeat(
  task: () => Promise<void>,
  everyMs: number,
): { now(): Promise<void>; stop(): Promise<void> } {
  let last: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const now = () => (last = last.then(() => (stopped ? undefined : task())));
  const schedule = () => {
    timer = setTimeout(() => void now().then(() => stopped || schedule()), everyMs);
  };
  void now().then(() => stopped || schedule());
  return {
    now,
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await last;
    },
  };
}
