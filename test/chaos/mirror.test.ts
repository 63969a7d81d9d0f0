/** Kills and faults at random moments, on both locations: the mirror comes to hold what the first one holds, and never anything else. */
import { setTimeout as sleep } from 'node:timers/promises';
import { blockOf, documentOf, Locations } from '../support/locations';
import type { Fault, MemoryTree } from '../support/memory-tree';
import { SeededRandom } from './random';

const KILLS = 20;
const ROUNDS = 6;
const KEYS = [
  ...Array.from({ length: 8 }, (_, i) => blockOf(String(i))),
  documentOf('1'),
  documentOf('2'),
  'a',
  'a/b',
];

/** All bytes that ever had this name. */
class History {
  readonly #seen = new Map<string, Set<string>>();

  constructor(tree: MemoryTree) {
    const { files } = tree;
    const set = files.set.bind(files);
    files.set = (path, bytes) => {
      this.#seen.set(path, (this.#seen.get(path) ?? new Set()).add(bytes.toString('base64')));
      return set(path, bytes);
    };
  }

  has(path: string, bytes: string): boolean {
    return this.#seen.get(path)?.has(bytes) ?? false;
  }
}

describe.each(Array.from({ length: KILLS }, (_, seed) => seed))(
  'a gateway with a mirror, killed at random (%i)',
  (seed) => {
    it('has both alike in the end', async () => {
      const random = new SeededRandom(seed);
      const losesDisk = seed % 4 === 3;
      const locations = new Locations({
        sealed: seed % 5 !== 4,
        leaseTiming: { renewMs: 20, graceMs: 2_000, staleMs: 3_000 },
      });
      const history = new History(locations.first);
      const model = new Map<string, string>();
      locations.start();
      const faults = (rate: number) => (): Fault => {
        if (!random.chance(rate)) return undefined;
        return random.chance(0.5) ? 'before' : 'after';
      };
      const expectNothingElse = (): void => {
        for (const [path, bytes] of Object.entries(locations.objects(locations.second)))
          expect([path, history.has(path, bytes)]).toEqual([path, true]);
      };
      for (let round = 0; round < ROUNDS; round++) {
        await locations.rig.store.headBucket('bucket');
        locations.second.fault = faults(random.chance(0.3) ? 1 : 0.2);
        locations.first.fault = faults(0.03);
        const acting = Array.from({ length: 15 }, async () => {
          const key = KEYS[random.integer(0, KEYS.length - 1)]!;
          const content = `${key} ${random.next()}`;
          const isDelete = random.chance(0.3);
          try {
            await sleep(random.next() * 40);
            // Nobody knows, until it ends well.
            model.delete(key);
            if (isDelete) await locations.delete(key);
            else await locations.put(key, content);
          } catch {
            // A client would try again.
          }
        });
        await sleep(random.next() * 60);
        expectNothingElse();
        // From this moment on nothing that it does comes to pass.
        for (const tree of [locations.first, locations.second]) tree.fault = () => 'before';
        await Promise.all(acting);
        locations.first.fault = () => undefined;
        await locations.restart(losesDisk && random.chance(0.5));
      }
      locations.first.fault = () => undefined;
      locations.second.fault = () => undefined;
      for (const key of KEYS.slice(0, 9)) {
        await locations.put(key, `${key} at last`);
        model.set(key, `${key} at last`);
      }
      // Settles what is in doubt still: nobody was told that it is stored, and so the mirror was not.
      const all = { prefix: '', delimiter: '', after: '', maxKeys: 1000 };
      await locations.rig.store.list('bucket', all);
      await locations.caughtUp();
      const [first, second] = [locations.objects(locations.first), locations.objects(locations.second)];
      expectNothingElse();
      // Of a delete that the lost catalog alone knew the mirror keeps the file for a month. What was stored again since the comparison counts still.
      const { extras } = locations.report;
      if (!losesDisk) expect(extras).toBe(0);
      expect(Object.keys(second).length - Object.keys(first).length).toBeLessThanOrEqual(extras);
      expect(second).toMatchObject(first);
      for (const [key, content] of model) expect(await locations.get(key)).toBe(content);
      await locations.close();
    });
  },
);
