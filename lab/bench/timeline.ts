/** The moments of one `up`, in milliseconds since 1970. */
export interface Moments {
  /** `pulumi up` was started. */
  up: number;
  /** The instance was switched on. */
  machine: number;
  /** The relay's journal of its bootstrap, as `journalctl -o json` prints it. */
  journal: string;
  /** The first answer over the relay. */
  firstPing: number;
  /** `pulumi up` had ended. */
  returned: number;
}

/** Where the time went, in seconds. All but the last add up to the total. */
export interface Split {
  /** Engine and API calls, until the instance is switched on. */
  api: number;
  /** Until cloud-init has started the bootstrap. */
  boot: number;
  install: number;
  /** Firewall, tailscaled, `tailscale up`, `tailscale set`: until the relay listens. */
  join: number;
  /** Until a client's packet comes back through it. */
  firstPing: number;
  total: number;
  /** When `pulumi up` was done, since its start. */
  upReturned: number;
}

/** @throws when the journal lacks a step, or the steps are out of order */
export function splitTime({ up, machine, journal, firstPing, returned }: Moments): Split {
  const entries = parseJournal(journal);
  const first = (step: RegExp) => moment(entries, step);
  const moments = [
    ["up", up],
    ["machine", machine],
    ["bootstrap", first(/^peer-relay: install: /)],
    ["installed", first(/^peer-relay: install: tailscale \S+ (installed|is here)$/)],
    ["listens", first(/^peer-relay: relay: tailscale set /)],
    ["first ping", firstPing],
  ] as const;
  const seconds = moments.slice(1).map(([name, at], i) => {
    const [before, since] = moments[i]!;
    if (at < since) throw new Error(`${name} came ${since - at} ms before ${before}`);
    return (at - since) / 1000;
  });
  const [api = 0, boot = 0, install = 0, join = 0, ping = 0] = seconds;
  return {
    ...{ api, boot, install, join, firstPing: ping },
    total: (firstPing - up) / 1000,
    upReturned: (returned - up) / 1000,
  };
}

interface Entry {
  at: number;
  message: string;
}

function parseJournal(text: string): Entry[] {
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const entry = JSON.parse(line) as { __REALTIME_TIMESTAMP: string; MESSAGE: unknown };
      return { at: Number(entry.__REALTIME_TIMESTAMP) / 1000, message: String(entry.MESSAGE) };
    });
}

function moment(entries: Entry[], step: RegExp): number {
  const entry = entries.find(({ message }) => step.test(message));
  if (entry) return entry.at;
  const seen = entries.map(({ message }) => message).join("\n");
  throw new Error(`the relay's bootstrap printed no line like ${step}; it printed:\n${seen}`);
}
