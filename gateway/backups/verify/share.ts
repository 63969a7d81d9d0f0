/** A rotating share of all blocks: which ones a day reads follows from their names, so that it needs no memory. Pure. */

const DAY_MS = 86_400_000;

export interface Share {
  /** So many parts of `of` are read in one day. */
  readonly part: number;
  readonly of: number;
}

/** `1/30`. Undefined for what is no share. */
export function parseShare(text: string): Share | undefined {
  const [, part, of] = (/^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? []).map(Number);
  if (part === undefined || of === undefined || part < 1 || part > of) return undefined;
  return { part, of };
}

/** Days since the epoch, in UTC. */
export function dayOf(ms: number): number {
  return Math.floor(ms / DAY_MS);
}

/** Whether a block is read that day. `of / part` days in a row, rounded up, read every block. */
export function isInShare(checksum: string, share: Share, day: number): boolean {
  return isDue(Number.parseInt(checksum.slice(0, 8), 16) % share.of, share, day);
}

/** @param slice one of `of` */
function isDue(slice: number, { part, of }: Share, day: number): boolean {
  return (((slice - day * part) % of) + of) % of < part;
}

/** When each of `of` slices of the blocks was last read, in milliseconds since the epoch; 0 for never. */
export type SliceTimes = readonly number[];

/** The times after one more run. @param share absent: it read all @param at when it began, so that what was stored since does not count as read */
export function advance(times: SliceTimes, share: Share | undefined, at: number): SliceTimes {
  const whole: Share = share ?? { part: 1, of: 1 };
  // Slices of another size are other blocks: of those it is known that the oldest time holds.
  const known = times.length === whole.of ? times : Array<number>(whole.of).fill(oldest(times));
  return known.map((time, slice) => (isDue(slice, whole, dayOf(at)) ? at : time));
}

/** What was stored before then has been read since; 0 if not all was. */
export function oldest(times: SliceTimes): number {
  return times.length === 0 ? 0 : Math.min(...times);
}
