/** What goes wrong while requests are made: connections, the FTP server, or the gateway itself. */
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import type { Moment } from '../chaos/connection-relay';
import { Unsure } from './subject';
import type { World } from './world';

/** Between two attempts of a client. */
const PAUSE_MS = 20;

/** When something passes on the way to the FTP server, or when the first request has been answered. */
type Instant = Moment | 'an answer';

export type Mishap =
  | { readonly kind: 'none' }
  /** `ms` is how long nobody gets through again; infinite for an outage that lasts until all is answered, so longer than the retries. */
  | { readonly kind: 'cut' | 'outage' | 'server death'; readonly at: Instant; readonly ms: number }
  | { readonly kind: 'crash'; readonly at: Instant; readonly losesDisk: boolean };

/** Runs requests while something goes wrong, and comes back when all of it is over. `answered` is to be called for each answer. */
export async function during(
  mishap: Mishap,
  world: World,
  requests: (answered: () => void) => Promise<void>,
): Promise<void> {
  const { relay, server, host } = world;
  if (mishap.kind === 'none') return requests(() => undefined);
  let [over, hasHappened]: [() => Promise<unknown>, boolean] = [() => Promise.resolve(), false];
  const happen = (): void => {
    if (hasHappened) return;
    hasHappened = true;
    world.count(mishap.kind);
    if (mishap.kind === 'crash') {
      host.die();
      over = () => host.revive(mishap.losesDisk);
    } else if (mishap.kind === 'server death') {
      const back = server
        .kill()
        .then(() => sleep(mishap.ms))
        .then(() => server.start());
      over = () => back;
    } else {
      relay.cut(mishap.kind === 'outage' ? mishap.ms : 0);
    }
  };
  if (mishap.at !== 'an answer') relay.at(mishap.at, happen);
  await requests(mishap.at === 'an answer' ? happen : () => undefined);
  relay.calm();
  await over();
  world.trouble();
}

/** Where nothing goes wrong, everything has to be answered. */
export function refuseFailure(error: unknown, world: World, mishap: Mishap = { kind: 'none' }): void {
  if (!(error instanceof Unsure) || (mishap.kind === 'none' && !world.isTroubled)) throw error;
}

/** After what went wrong is over, everything is answered within a short time. */
export async function untilAnswered<Answer>(world: World, ask: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      refuseFailure(error, world);
      await sleep(PAUSE_MS);
    }
  }
}

export function describe(mishap: Mishap): string {
  if (mishap.kind === 'none') return '';
  const { at, kind } = mishap;
  const when = at === 'an answer' ? at : `${at.of} ${at.verb ?? ''} ${at.count}`;
  const how = kind === 'crash' ? (mishap.losesDisk ? ' that loses the disk' : '') : `, ${mishap.ms} ms`;
  return ` with ${kind} at ${when}${how}`;
}

const of = fc.constantFrom('commands', 'replies');
const anyMoment = fc.record({ of, count: fc.integer({ min: 1, max: 25 }) });
/** A file has come to its place, or left it, and the gateway does not know. An overwrite may take three renames. */
const renamed = fc.record({
  of: fc.constant('replies' as const),
  verb: fc.constant('RNTO'),
  count: fc.integer({ min: 1, max: 3 }),
});
const onTheWay = fc.record({
  of,
  verb: fc.constantFrom('RNTO', 'STOR', 'SIZE', 'MKD', 'MLSD', 'LIST'),
  count: fc.integer({ min: 1, max: 2 }),
});
const tellingMoment = fc.oneof(renamed, onTheWay);
const moment = fc.oneof(anyMoment, tellingMoment);

export const mishaps: fc.Arbitrary<Mishap> = fc.oneof(
  { weight: 5, arbitrary: fc.constant({ kind: 'none' }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('cut', 'cut', 'outage', 'server death'),
      at: moment,
      ms: fc.integer({ min: 50, max: 1_500 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('outage'),
      at: tellingMoment,
      ms: fc.constant(Infinity),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('crash'),
      at: fc.oneof(moment, renamed, fc.constant('an answer' as const)),
      losesDisk: fc.constantFrom(false, false, true),
    }),
  },
);

/** While directories are looked at. */
export const mishapsOfLooks: fc.Arbitrary<Mishap> = fc.oneof(
  fc.constant({ kind: 'none' as const }),
  fc.record({
    kind: fc.constantFrom('cut', 'outage'),
    at: fc.record({
      of,
      verb: fc.constantFrom('MLSD', 'LIST', 'CWD'),
      count: fc.integer({ min: 1, max: 8 }),
    }),
    ms: fc.integer({ min: 50, max: 1_500 }),
  }),
);

/** Right after a rename, and what is on the gateway's disk stays. */
export const mishapsOfRenames: fc.Arbitrary<Mishap> = fc.oneof(
  fc.record({ kind: fc.constant('crash'), at: renamed, losesDisk: fc.constant(false) }),
  fc.record({ kind: fc.constant('outage'), at: renamed, ms: fc.constant(Infinity) }),
);
