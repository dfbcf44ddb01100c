/** Processor time that a process has used, in ticks, from `/proc/PID/stat`. */
export function cpuTicks(stat: string): number {
  const [user, system] = fields(stat).slice(11, 13);
  return number(user, stat) + number(system, stat);
}

/**
 * When a process started, in milliseconds since 1970.
 * @param now the time at which `uptime` was read
 * @param uptime the text of `/proc/uptime`
 */
export function startedAt(stat: string, uptime: string, now: number, ticksPerSecond: number): number {
  const started = number(fields(stat)[19], stat) / ticksPerSecond;
  return now - (number(uptime.split(" ")[0], uptime) - started) * 1000;
}

/** The fields after the name, which may itself have spaces and parentheses in it: state is the first of them. */
const fields = (stat: string): string[] => stat.slice(stat.lastIndexOf(")") + 2).split(" ");

function number(word: string | undefined, text: string): number {
  if (word === undefined || !/^\d+(\.\d+)?$/.test(word)) throw new Error(`not what /proc has: ${text}`);
  return Number(word);
}

/** Seconds of one processor for a gigabit moved. */
export function secondsPerGbit(ticks: number, ticksPerSecond: number, bytes: number): number {
  return ticks / ticksPerSecond / ((bytes * 8) / 1e9);
}
