/** Who waits for a session, and whose turn it is. */
import type { Lease } from './pool';

/** What a session is wanted for. */
export interface LeasePurpose {
  readonly kind: 'upload' | 'download' | 'listing' | 'command';
  /** Transfers of different flows take turns, such as those of different volumes. @default '' */
  readonly flow?: string;
  /** The transfer may take long. @default false */
  readonly isLarge?: boolean;
}

export interface Waiter {
  readonly purpose: LeasePurpose;
  resolve(lease: Lease): void;
  reject(error: unknown): void;
}

/** Commands and listings come before transfers, since they are short and many wait for them; transfers of different flows take turns. */
export class LeaseQueue {
  private readonly short: Waiter[] = [];
  /** In the order of their turns. A flow without waiters is not there. */
  private readonly flows = new Map<string, Waiter[]>();

  get length(): number {
    let length = this.short.length;
    for (const waiters of this.flows.values()) length += waiters.length;
    return length;
  }

  push(waiter: Waiter): void {
    const { flow = '' } = waiter.purpose;
    if (isShort(waiter)) this.short.push(waiter);
    else if (!this.flows.get(flow)?.push(waiter)) this.flows.set(flow, [waiter]);
  }

  /** Whose turn it is, among those that may have their turn now. */
  peek(mayStart: (purpose: LeasePurpose) => boolean): Waiter | undefined {
    for (const waiters of [this.short, ...this.flows.values()]) {
      const next = waiters.find(({ purpose }) => mayStart(purpose));
      if (next) return next;
    }
    return undefined;
  }

  /** It had its turn: its flow is the last now. */
  take(waiter: Waiter): void {
    const { flow = '' } = waiter.purpose;
    this.remove(waiter);
    const rest = this.flows.get(flow);
    if (isShort(waiter) || !rest) return;
    this.flows.delete(flow);
    this.flows.set(flow, rest);
  }

  remove(waiter: Waiter): void {
    const { flow = '' } = waiter.purpose;
    const waiters = isShort(waiter) ? this.short : (this.flows.get(flow) ?? []);
    const index = waiters.indexOf(waiter);
    if (index >= 0) waiters.splice(index, 1);
    if (!isShort(waiter) && waiters.length === 0) this.flows.delete(flow);
  }

  /** All, who then wait no longer. */
  drain(): Waiter[] {
    const all = [...this.short.splice(0), ...[...this.flows.values()].flat()];
    this.flows.clear();
    return all;
  }
}

function isShort({ purpose: { kind } }: Waiter): boolean {
  return kind === 'command' || kind === 'listing';
}
