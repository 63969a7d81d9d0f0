/**
 * Whatever happens, in whatever order, the store is what S3 in memory would be: requests, FTP faults, crashes, lost disks, and what others do on the FTP
 * server. MODEL_SEED repeats a run's choices (the moments are the machine's); MODEL_SECONDS and MODEL_RUNS make it longer.
 */
import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { availableServers, startServer } from '../support/ftp-servers';
import { checkAll, commands } from './commands';
import { S3Model } from './s3-model';
import { World } from './world';

const SEED = process.env['MODEL_SEED'] ? Number(process.env['MODEL_SEED']) : randomInt(2 ** 31);
/** For each FTP server and each way to run; whichever ends first. */
const SECONDS = Number(process.env['MODEL_SECONDS'] ?? 12);
const RUNS = Number(process.env['MODEL_RUNS'] ?? 50);
const WAYS = {
  'the store in one process': World.withStore.bind(World),
  'a gateway process': World.withProcess.bind(World),
};

// Where no real server is found, the other suites say so.
const cases = availableServers().flatMap((kind) => Object.keys(WAYS).map((way) => [way, kind] as const));
const suite = cases.length > 0 ? describe.each(cases) : describe.skip.each([['it', 'no server']] as never[]);

beforeAll(() => World.bundleGateway());

suite('%s on %s', (way, kind) => {
  it(
    `is what S3 in memory is (MODEL_SEED=${SEED})`,
    async () => {
      process.stderr.write(`model: MODEL_SEED=${SEED}, ${way} on ${kind}\n`);
      const server = await startServer(kind, { maxClients: 50 });
      let runs = 0;
      const tally: Record<string, number> = {};
      const deadline = performance.now() + SECONDS * 1000;
      try {
        const property = fc.asyncProperty(fc.boolean(), commands(), async (hasTrash, list) => {
          // What has begun is gone through to its end.
          if (runs > 0 && performance.now() > deadline) return;
          const world = await WAYS[way as keyof typeof WAYS](server, `run-${++runs}`, hasTrash);
          const model = new S3Model();
          try {
            await fc.asyncModelRun(() => ({ model, real: world }), list);
            await checkAll(model, world);
            world.host.die();
            await world.host.revive(true);
            await checkAll(model, world);
          } finally {
            await world.end();
            for (const [what, count] of Object.entries(world.tally)) tally[what] = (tally[what] ?? 0) + count;
          }
        });
        await fc.assert(property, {
          // Each case has its own.
          seed: SEED + cases.findIndex(([ofWay, ofKind]) => ofWay === way && ofKind === kind),
          numRuns: RUNS,
          endOnFailure: true,
        });
      } finally {
        await server.stop();
      }
      process.stderr.write(`model: ${runs} runs of ${way} on ${kind}: ${JSON.stringify(tally)}\n`);
      expect(runs).toBeGreaterThan(0);
    },
    (SECONDS + 120) * 1000,
  );
});
