import { summarize } from "./stats";

/** One answer. */
export interface Pong {
  /** When it came, in milliseconds since 1970. */
  at: number;
  /** The round trip, in milliseconds. */
  ms: number;
}

/** The answers in what `ping -D` printed. */
export function parsePings(text: string): Pong[] {
  const lines = text.matchAll(/^\[(\d+\.\d+)\] \d+ bytes from .* time=([\d.]+) ms/gm);
  return [...lines].map(([, at, ms]) => ({ at: Number(at) * 1000, ms: Number(ms) }));
}

/** The median round trip. @throws when there is no answer, with what was printed */
export function latency(text: string): number {
  const pongs = parsePings(text);
  if (pongs.length === 0) throw new Error(`no answer to any ping: ${text}`);
  return summarize(pongs.map(({ ms }) => ms)).median;
}

/**
 * The longest silence in a stream of events that has to go on, in milliseconds.
 * @param times when something arrived, in order
 * @throws when the stream did not come back, or was none
 */
export function longestSilence(times: number[]): number {
  if (times.length < 2) throw new Error(`a stream of ${times.length} events`);
  return Math.max(...times.slice(1).map((time, i) => time - times[i]!));
}
