/**
 * Requests that are almost right, byte by byte and field by field: the gateway answers each with a status of its own, lives, and does not grow.
 * By default for some seconds; LONGHAUL_FUZZ_SECONDS says how long, LONGHAUL_FUZZ_SEED where to begin.
 */
import { randomInt } from 'node:crypto';
import { SeededRandom } from '../chaos/random';
import { RequestFuzzer } from './request-fuzzer';
import { VictimProcess } from './victim-process';

const SECONDS = Number(process.env['LONGHAUL_FUZZ_SECONDS'] ?? 8);
const SEED = Number(process.env['LONGHAUL_FUZZ_SEED'] ?? randomInt(2 ** 32));
const CONNECTIONS = 16;
/** What caches and compiled code may add once the run is warm. */
const GROWTH_BYTES = 16 * 1024 * 1024;

let victim: VictimProcess;
beforeAll(async () => {
  victim = await VictimProcess.start();
}, 60_000);
afterAll(() => victim.stop());

/** Sends requests until `untilMs`; counts the answers by status. */
async function fuzz(seed: number, untilMs: number, counts: Map<number, number>): Promise<void> {
  const random = new SeededRandom(seed);
  const fuzzer = new RequestFuzzer(random, victim.signer);
  while (Date.now() < untilMs) {
    const request = fuzzer.next();
    const answer = await victim.send(request, random.integer(0, request.length));
    victim.checkAlive();
    const status = Number(/^HTTP\/1\.1 (?!100)(\d{3})/m.exec(answer)?.[1] ?? 0);
    counts.set(status, (counts.get(status) ?? 0) + 1);
    if (status >= 500 && status !== 501)
      throw new Error(
        `${answer.slice(0, 1_000)}\nis the answer to\n${JSON.stringify(request.toString('latin1'))}`,
      );
  }
}

async function fuzzInParallel(
  firstSeed: number,
  seconds: number,
  counts: Map<number, number>,
): Promise<void> {
  const untilMs = Date.now() + seconds * 1_000;
  await Promise.all(Array.from({ length: CONNECTIONS }, (_, i) => fuzz(firstSeed + i, untilMs, counts)));
}

it(
  `answers whatever it is sent, and neither fails nor grows (seed ${SEED})`,
  async () => {
    const counts = new Map<number, number>();
    await victim.memoryBytes();
    await fuzzInParallel(SEED, SECONDS / 4, counts);
    const warm = await victim.memoryBytes();
    await fuzzInParallel(SEED + CONNECTIONS, (SECONDS * 3) / 4, counts);
    const after = await victim.memoryBytes();
    const requests = [...counts.values()].reduce((sum, count) => sum + count, 0);
    if (process.env['LONGHAUL_FUZZ_SECONDS'] !== undefined) {
      const statuses = [...counts].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`);
      const grown = ((after - warm) / 1024 ** 2).toFixed(1);
      process.stderr.write(
        `fuzz: seed ${SEED}, ${requests} requests, ${grown} MiB grown; ${statuses.join(', ')}\n`,
      );
    }
    // It would find nothing if it did not get in, or if nothing were wrong with what it sends.
    for (const status of [200, 400, 403, 404]) expect(counts.get(status)).toBeGreaterThan(0);
    expect(after - warm).toBeLessThan(GROWTH_BYTES);
  },
  (SECONDS + 60) * 1_000,
);
