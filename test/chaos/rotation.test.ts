/**
 * A rotation of keys that is killed again and again: whatever is stored stays readable at every moment, and it ends.
 * The seed decides when it is killed, as far as the machine lets it. Repeat a run with CHAOS_SEED.
 */
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { randomBytes, randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AdminClient } from '../../gateway/admin/client';
import type { KeysReport, Retirement } from '../../gateway/admin/keys';
import { keyId } from '../../gateway/seal/keyring';
import { EmbeddedFtpServer } from '../support/embedded-ftp-server';
import { availableServers, startServer } from '../support/ftp-servers';
import { type FtpAccount, GatewayProcess } from '../support/gateway-process';
import { randomBlock } from '../support/longhorn/block-content';
import { bodyBytes, s3Client } from '../support/s3';
import { ObjectModel } from './object-model';
import { SeededRandom } from './random';
import { Workload } from './workload';

const KILLS = 50;
const OBJECTS = 60;
const LONGEST_LIFE_MS = 2_000;
const END_TIMEOUT_MS = 120_000;
const PART_SIZE = 5 * 1024 * 1024;
const SEED = process.env['CHAOS_SEED'] ? Number(process.env['CHAOS_SEED']) : randomInt(2 ** 31);

type Server = FtpAccount & { stop(): Promise<void> };

/** A gateway that dies and comes back on the same port; one of two keys seals, and both open. */
class RotatingGateway {
  readonly directory = mkdtempSync(join(tmpdir(), 'longhaul-rotation-'));
  readonly admin = new AdminClient(this.directory);
  private keys = [randomBytes(32), randomBytes(32)] as const;
  private process: GatewayProcess | undefined;

  constructor(private readonly ftp: FtpAccount) {}

  get oldKeyId(): string {
    return keyId(this.keys[1]);
  }

  swapKeys(): void {
    this.keys = [this.keys[1], this.keys[0]];
  }

  async start(withOldKey = true): Promise<GatewayProcess> {
    const [seals, opens] = this.keys.map((key) => key.toString('hex'));
    this.process = await GatewayProcess.start({
      ftp: this.ftp,
      encryptionKey: seals ?? '',
      catalogDirectory: this.directory,
      ...(this.process && { port: this.process.port }),
      env: {
        FTP_RETRY_SECONDS: '20',
        TRASH_DAYS: '0',
        FTP_STALL_SECONDS: '5',
        ...(withOldKey && { ENCRYPTION_KEYS: opens ?? '' }),
      },
    });
    await this.process.ready();
    return this.process;
  }

  async kill(losesCatalog: boolean): Promise<void> {
    await this.process?.kill();
    if (losesCatalog) rmSync(join(this.directory, 'lmdb'), { recursive: true, force: true });
  }

  async stop(): Promise<void> {
    await this.process?.stop();
  }

  async report(): Promise<KeysReport> {
    return this.admin.call<KeysReport>('GET', '/keys');
  }
}

/** What is stored before, and must look the same ever after. */
class Stock {
  private readonly bytes = new Map<string, Buffer>();
  private shown = new Map<string, string>();

  constructor(
    private readonly client: S3Client,
    private readonly bucket: string,
  ) {}

  async store(): Promise<void> {
    for (let i = 0; i < OBJECTS; i++) {
      const size = i === 0 ? 0 : i % 10 === 1 ? 2 * 1024 * 1024 : 1000 * i;
      const key = `backupstore/volumes/ab/cd/stock/blocks/0${i % 3}/1${i % 2}/block-${i}.blk`;
      await this.put(key, randomBlock(1_000_000 + i, size));
    }
    for (const key of ['backupstore/parts-1.zip', 'backupstore/parts-2.zip']) {
      await this.putInParts(key, randomBlock(2_000_000 + key.length, PART_SIZE + 70_000));
    }
    for (const key of this.bytes.keys()) this.shown.set(key, (await this.look(key)).shown);
  }

  get keys(): string[] {
    return [...this.bytes.keys()];
  }

  /** What is not as it was. */
  async faults(keys = this.keys): Promise<string[]> {
    const faults: string[] = [];
    for (const key of keys) {
      const { content, shown } = await this.look(key);
      if (!this.bytes.get(key)?.equals(content)) faults.push(`${key}: other bytes`);
      if (shown !== this.shown.get(key)) faults.push(`${key}: ${shown} instead of ${this.shown.get(key)}`);
    }
    return faults;
  }

  private async put(Key: string, Body: Buffer): Promise<void> {
    const Metadata = { stock: 'yes' };
    await this.client.send(new PutObjectCommand({ Bucket: this.bucket, Key, Body, Metadata }));
    this.bytes.set(Key, Body);
  }

  private async putInParts(Key: string, content: Buffer): Promise<void> {
    const ref = { Bucket: this.bucket, Key };
    const { UploadId } = await this.client.send(new CreateMultipartUploadCommand(ref));
    const Parts = [];
    for (const [i, Body] of [content.subarray(0, PART_SIZE), content.subarray(PART_SIZE)].entries()) {
      const part = { ...ref, UploadId, PartNumber: i + 1 };
      const { ETag, ChecksumCRC32 } = await this.client.send(new UploadPartCommand({ ...part, Body }));
      Parts.push({ PartNumber: i + 1, ETag, ChecksumCRC32 });
    }
    await this.client.send(
      new CompleteMultipartUploadCommand({ ...ref, UploadId, MultipartUpload: { Parts } }),
    );
    this.bytes.set(Key, content);
  }

  private async look(Key: string): Promise<{ content: Buffer; shown: string }> {
    const { Body, ETag, LastModified, Metadata } = await this.client.send(
      new GetObjectCommand({ Bucket: this.bucket, Key }),
    );
    return { content: await bodyBytes(Body), shown: JSON.stringify({ ETag, LastModified, Metadata }) };
  }
}

const servers: [string, () => Promise<Server>][] = [
  ['the embedded server', async () => accountOf(await EmbeddedFtpServer.start())],
];
if (availableServers().includes('proftpd'))
  servers.push(['proftpd', async () => accountOf(await startServer('proftpd'))]);

function accountOf(server: Omit<Server, 'tls'>): Server {
  const { host, port, user, password, path } = server;
  return {
    host,
    port,
    user,
    password,
    ...(path !== undefined && { path }),
    tls: 'off',
    stop: () => server.stop(),
  };
}

it.each(servers)(
  `keeps everything readable while it is killed ${KILLS} times on %s, and ends (CHAOS_SEED=${SEED})`,
  async (name, startFtp) => {
    process.stderr.write(`rotation: CHAOS_SEED=${SEED} on ${name}\n`);
    const random = new SeededRandom(SEED);
    const ftp = await startFtp();
    const gateway = new RotatingGateway(ftp);
    const target = await gateway.start(false);
    const patient = s3Client(target, { maxAttempts: 8 });
    const stock = new Stock(patient, target.bucket);
    const workload = new Workload(
      s3Client(target, { maxAttempts: 1 }),
      target.bucket,
      new ObjectModel(),
      random,
    );
    let completed = 0;
    const faultsMeanwhile: string[] = [];
    try {
      await stock.store();
      workload.start([['a.cfg', 'b.cfg', 'backupstore/c.blk']], 2);
      for (let kills = 0, wants = true; kills < KILLS; kills++) {
        if (wants) gateway.swapKeys();
        if (kills === 0) await gateway.stop();
        await gateway.start();
        if (wants) await gateway.admin.call('POST', '/keys/rotation');
        const some = [0, 1, 2].map(() => stock.keys[random.integer(0, stock.keys.length - 1)] ?? '');
        const life = sleep(random.integer(0, LONGEST_LIFE_MS));
        faultsMeanwhile.push(...(await stock.faults(some)));
        await life;
        wants = (await gateway.report()).rotation.state === 'complete';
        if (wants) completed += 1;
        await gateway.kill(random.chance(0.25));
      }
      await workload.stop();
      await gateway.start();
      const deadline = Date.now() + END_TIMEOUT_MS;
      while ((await gateway.report()).rotation.state === 'running' && Date.now() < deadline) await sleep(50);
      const faults = await stock.faults();
      process.stderr.write(`rotation: ${JSON.stringify({ completed, ...workload.tally })}\n`);
      expect({ faultsMeanwhile, faults, violations: workload.violations }).toEqual({
        faultsMeanwhile: [],
        faults: [],
        violations: [],
      });
      const { keys } = await gateway.report();
      expect(keys.find(({ id }) => id === gateway.oldKeyId)).toMatchObject({ objects: 0, parts: 0 });
      const retirement = await gateway.admin.call<Retirement>('DELETE', `/keys/${gateway.oldKeyId}`);
      expect(retirement).toEqual({ retired: true, objections: [] });
      await gateway.kill(true);
      await gateway.start(false);
      expect(await stock.faults()).toEqual([]);
      expect(completed).toBeGreaterThan(0);
      expect(workload.tally.reads).toBeGreaterThan(KILLS);
    } finally {
      await workload.stop();
      await gateway.stop();
      await ftp.stop();
      rmSync(gateway.directory, { recursive: true, force: true });
    }
  },
  900_000,
);
