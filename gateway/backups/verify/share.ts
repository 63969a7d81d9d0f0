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
export function isInShare(checksum: string, { part, of }: Share, day: number): boolean {
  const bucket = Number.parseInt(checksum.slice(0, 8), 16) % of;
  return (((bucket - day * part) % of) + of) % of < part;
}
