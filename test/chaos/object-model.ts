/** What a store may hold after requests of which some were acknowledged and some were cut off. */
import { createHash } from 'node:crypto';
import { randomBlock } from '../support/longhorn/block-content';

/** One content of one key. */
export interface Version {
  /** Names the content; never used twice. */
  readonly number: number;
  readonly size: number;
}

export type State = Version | 'absent';

export function contentOf({ number, size }: Version): Buffer {
  return randomBlock(number, size);
}

const digestOf = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

/**
 * For each key, all states that it may be in. A request adds its outcome when it is sent, and an acknowledgement
 * leaves that outcome alone: requests on one key follow one another, so nothing sent before it can come after it.
 */
export class ObjectModel {
  private readonly possible = new Map<string, Set<State>>();
  private readonly watches = new Set<{ key: string; states: Set<State> }>();

  get keys(): string[] {
    return [...this.possible.keys()].sort();
  }

  attempted(key: string, outcome: State): void {
    this.statesOf(key).add(outcome);
    for (const watch of this.watches) if (watch.key === key) watch.states.add(outcome);
  }

  acknowledged(key: string, outcome: State): void {
    this.possible.set(key, new Set([outcome]));
  }

  /** Whether the key is there for certain. */
  mustExist(key: string): boolean {
    return !this.statesOf(key).has('absent');
  }

  /** Follows a key while `read` looks at it, and returns what `read` found and all states it had a right to find. */
  async during<T>(key: string, read: () => Promise<T>): Promise<{ found: T; states: ReadonlySet<State> }> {
    const watch = { key, states: new Set(this.statesOf(key)) };
    this.watches.add(watch);
    try {
      return { found: await read(), states: watch.states };
    } finally {
      this.watches.delete(watch);
    }
  }

  private statesOf(key: string): Set<State> {
    const known = this.possible.get(key);
    if (known) return known;
    const fresh = new Set<State>(['absent']);
    this.possible.set(key, fresh);
    return fresh;
  }
}

/** Whether `content` is that of one of the states. */
export function isContentOfOne(content: Buffer, states: ReadonlySet<State>): boolean {
  const digest = digestOf(content);
  return [...states].some(
    (state) => state !== 'absent' && state.size === content.length && digestOf(contentOf(state)) === digest,
  );
}

export function isSizeOfOne(size: number, states: ReadonlySet<State>): boolean {
  return [...states].some((state) => state !== 'absent' && state.size === size);
}
