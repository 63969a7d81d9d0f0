/** Limits on what the transfers of an account take of the line, by the time of day. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface BandwidthRule {
  /** Bytes a second of all transfers of a direction together; `Infinity` for no limit. */
  readonly bytesPerSecond: number;
  /** Minutes after midnight, from inclusive to exclusive; a window may pass midnight. Absent: at all times. */
  readonly window?: { readonly from: number; readonly to: number };
}

const BYTES_PER_MEGABIT = 1_000_000 / 8;
const RULE = /^(\d{1,6}(?:\.\d{1,3})?|off)(?:@([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d))?$/;

/**
 * Reads rules such as `10@07:00-23:00,off`: megabits a second, and when. The first rule whose window it is holds; where none does, there is no
 * limit. Returns undefined for anything else, a rate of 0 and an empty window among it.
 */
export function parseBandwidth(text: string): readonly BandwidthRule[] | undefined {
  const rules: BandwidthRule[] = [];
  for (const part of text.split(',')) {
    const match = RULE.exec(part.trim());
    if (!match) return undefined;
    const [rate, ...times] = match.slice(1);
    const bytesPerSecond = rate === 'off' ? Infinity : Number(rate) * BYTES_PER_MEGABIT;
    if (bytesPerSecond === 0) return undefined;
    if (times[0] === undefined) rules.push({ bytesPerSecond });
    else {
      const [fromHour = 0, fromMinute = 0, toHour = 0, toMinute = 0] = times.map(Number);
      const window = { from: fromHour * 60 + fromMinute, to: toHour * 60 + toMinute };
      if (window.from === window.to) return undefined;
      rules.push({ bytesPerSecond, window });
    }
  }
  return rules;
}

/** Bytes a second at a moment, by the clock of the time zone that the process runs in. */
export function rateAt(rules: readonly BandwidthRule[], at: Date): number {
  const minute = at.getHours() * 60 + at.getMinutes();
  const holds = ({ window }: BandwidthRule) => {
    if (!window) return true;
    const { from, to } = window;
    return from < to ? minute >= from && minute < to : minute >= from || minute < to;
  };
  return rules.find(holds)?.bytesPerSecond ?? Infinity;
}

/** Lets all transfers of one direction share a rate, in the order in which they ask. */
export class Throttle {
  /** Milliseconds; when what was let through so far is paid for. */
  private paidUntil = 0;

  constructor(
    /** Bytes a second at the time of asking. */
    private readonly rate: () => number,
    private readonly now: () => number = () => performance.now(),
    private readonly pause: (ms: number) => Promise<unknown> = sleep,
  ) {}

  /** Resolves when so many bytes may pass. */
  async pass(bytes: number): Promise<void> {
    const rate = this.rate();
    if (rate === Infinity) return;
    const now = this.now();
    this.paidUntil = Math.max(this.paidUntil, now) + (bytes / rate) * 1000;
    await this.pause(this.paidUntil - now);
  }
}
