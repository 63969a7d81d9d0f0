/**
 * The promise of a 200: whatever dies, and whenever, what was acknowledged is there, and what is shown is whole.
 * The seed decides what happens in which order; the moments are the machine's. Repeat a run with CHAOS_SEED.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  GetObjectCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3';
import { type FtpAccount, GatewayProcess } from '../support/gateway-process';
import { bodyBytes, s3Client } from '../support/s3';
import { MortalFtpServer } from './mortal-ftp-server';
import { isContentOfOne, isSizeOfOne, ObjectModel } from './object-model';
import { SeededRandom } from './random';
import { isNotFound, Workload } from './workload';

const EVENTS = 100;
const WRITERS = 4;
const KEYS_PER_WRITER = 6;
const READERS = 2;
const LONGEST_PAUSE_MS = 200;
const LONGEST_OUTAGE_MS = 400;
const LONGEST_RECOVERY_MS = 10_000;
const SEED = process.env['CHAOS_SEED'] ? Number(process.env['CHAOS_SEED']) : randomInt(2 ** 31);

/** A gateway that dies and comes back on the same port, now with its catalog, now without. */
class MortalGateway {
  private gateway: GatewayProcess | undefined;
  private readonly key = randomBytes(32).toString('hex');
  private readonly catalogDirectory = mkdtempSync(join(tmpdir(), 'longhaul-chaos-'));

  constructor(private readonly ftp: FtpAccount) {}

  async start(): Promise<GatewayProcess> {
    this.gateway = await GatewayProcess.start({
      ftp: this.ftp,
      encryptionKey: this.key,
      catalogDirectory: this.catalogDirectory,
      ...(this.gateway && { port: this.gateway.port }),
      env: { FTP_RETRY_SECONDS: '20', FTP_STALL_SECONDS: '5', LOG_LEVEL: 'info' },
    });
    return this.gateway;
  }

  async killAndStart(keepsCatalog: boolean): Promise<void> {
    await this.gateway?.kill();
    // Without the catalog it is still the same gateway, which takes its own lease back at once.
    if (!keepsCatalog) rmSync(join(this.catalogDirectory, 'lmdb'), { recursive: true, force: true });
    await this.start();
  }

  async stop(): Promise<void> {
    await this.gateway?.stop();
    rmSync(this.catalogDirectory, { recursive: true, force: true });
  }
}

/** All that is wrong with what the gateway shows, after the storm. */
async function faultsOf(client: S3Client, Bucket: string, model: ObjectModel): Promise<string[]> {
  const faults: string[] = [];
  const listed = new Set<string>();
  for await (const page of paginateListObjectsV2({ client }, { Bucket })) {
    for (const { Key } of page.Contents ?? []) listed.add(Key ?? '');
  }
  for (const Key of new Set([...model.keys, ...listed])) {
    const { found, states } = await model.during(Key, () => look(client, Bucket, Key));
    if (listed.has(Key) !== (found !== undefined)) faults.push(`${Key}: LIST and GET disagree`);
    if (found === undefined) {
      if (model.mustExist(Key)) faults.push(`${Key}: acknowledged, and missing`);
      continue;
    }
    if (!isSizeOfOne(found.size, states)) faults.push(`${Key}: HEAD shows a size that nobody wrote`);
    if (!isContentOfOne(found.content, states)) faults.push(`${Key}: GET returns what nobody wrote`);
  }
  return faults;
}

/** HEAD and GET; undefined if both say that there is nothing. */
async function look(
  client: S3Client,
  Bucket: string,
  Key: string,
): Promise<{ size: number; content: Buffer } | undefined> {
  try {
    const { ContentLength } = await client.send(new HeadObjectCommand({ Bucket, Key }));
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
    return { size: ContentLength ?? -1, content: await bodyBytes(Body) };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Keys as Longhorn has them, so that writers meet in directories that come and go. */
const keysOf = (writer: number): string[] =>
  Array.from({ length: KEYS_PER_WRITER }, (_, index) =>
    index % 3 === 0
      ? `backupstore/volumes/ab/cd/pvc-${writer}/backups/backup_${index}.cfg`
      : `backupstore/volumes/ab/cd/pvc-${writer}/blocks/0${index % 2}/1${index}/block-${index}.blk`,
  );

type Event = 'kill gateway' | 'kill FTP server' | 'cut FTP connections' | 'cut uploads';

/** Lets the events happen, each while uploads are under way; resolves with how many there were of each kind. */
async function storm(
  random: SeededRandom,
  workload: Workload,
  happen: Readonly<Record<Event, () => unknown>>,
): Promise<Record<Event, number>> {
  const counts = { 'kill gateway': 0, 'kill FTP server': 0, 'cut FTP connections': 0, 'cut uploads': 0 };
  for (let count = 0; count < EVENTS; count++) {
    await sleep(random.integer(0, LONGEST_PAUSE_MS));
    while (workload.uploadsInFlight === 0) await sleep(1);
    const event = random.weighted<Event>([
      [20, 'kill gateway'],
      [20, 'kill FTP server'],
      [30, 'cut FTP connections'],
      [30, 'cut uploads'],
    ]);
    counts[event] += 1;
    await happen[event]();
    // Some crashes come before the gateway has recovered from the last one, most after it has.
    if (random.chance(0.75)) await workload.untilNextAcknowledged(LONGEST_RECOVERY_MS);
  }
  return counts;
}

it(`keeps every acknowledged object and shows only whole ones through ${EVENTS} crashes (CHAOS_SEED=${SEED})`, async () => {
  process.stderr.write(`chaos: CHAOS_SEED=${SEED}\n`);
  const random = new SeededRandom(SEED);
  const ftp = await MortalFtpServer.start();
  const mortal = new MortalGateway(ftp.account);
  try {
    const gateway = await mortal.start();
    const model = new ObjectModel();
    const workload = new Workload(s3Client(gateway, { maxAttempts: 1 }), gateway.bucket, model, random);
    workload.start(
      Array.from({ length: WRITERS }, (_, writer) => keysOf(writer)),
      READERS,
    );
    const events = await storm(random, workload, {
      'kill gateway': () => mortal.killAndStart(random.chance(0.5)),
      'kill FTP server': () => ftp.killFor(random.integer(0, LONGEST_OUTAGE_MS), sleep),
      'cut FTP connections': () => ftp.cutConnections(),
      'cut uploads': () => workload.cutUploads(),
    }).finally(() => workload.stop());
    process.stderr.write(`chaos: ${JSON.stringify({ ...events, ...workload.tally })} on ${ftp.name}\n`);

    const patient = s3Client(gateway, { maxAttempts: 5 });
    const asItStands = await faultsOf(patient, gateway.bucket, model);
    await mortal.killAndStart(false);
    const afterLosingTheCatalog = await faultsOf(patient, gateway.bucket, model);
    expect({ violations: workload.violations, asItStands, afterLosingTheCatalog }).toEqual({
      violations: [],
      asItStands: [],
      afterLosingTheCatalog: [],
    });
    expect(workload.tally.acknowledged).toBeGreaterThan(EVENTS);
    expect(workload.tally.unacknowledged).toBeGreaterThan(EVENTS / 10);
  } finally {
    await mortal.stop();
    await ftp.stop();
  }
}, 480_000);
