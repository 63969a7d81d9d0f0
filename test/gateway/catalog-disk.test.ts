/** What the gateway does while the disk under its catalog is full, read-only, or changes what was written. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3';
import { statusOf } from '../chaos/workload';
import { EmbeddedFtpServer } from '../support/embedded-ftp-server';
import { GatewayProcess } from '../support/gateway-process';
import { s3Client } from '../support/s3';

const MIB = 2 ** 20;

let ftp: EmbeddedFtpServer;
let disk: string;

const start = () => {
  const { host, port, user, password } = ftp;
  return GatewayProcess.start({
    ftp: { host, port, user, password, tls: 'off' },
    encryptionKey: '42'.repeat(32),
    catalogDirectory: join(disk, 'catalog'),
  });
};
const statusOfPut = async (gateway: GatewayProcess, more: Omit<PutObjectCommandInput, 'Bucket'>) => {
  const client = s3Client(gateway, { maxAttempts: 1 });
  const put = new PutObjectCommand({ Bucket: gateway.bucket, Body: 'content', ...more });
  return client.send(put).then(
    () => 200,
    (error: unknown) => statusOf(error),
  );
};
const keysOf = async (gateway: GatewayProcess) => {
  const page = await s3Client(gateway).send(new ListObjectsV2Command({ Bucket: gateway.bucket }));
  return (page.Contents ?? []).map(({ Key = '' }) => Key);
};

/** Writes until the catalog has no room, and again when there is some; nothing that was acknowledged is lost. `first` is there. */
const goesOn = async (gateway: GatewayProcess, reason: RegExp, makeRoom: () => void) => {
  const acknowledged = ['first'];
  let refused = '';
  for (let i = 0; i < 300 && refused === ''; i++) {
    const Key = `more-${String(i).padStart(3, '0')}`;
    const status = await statusOfPut(gateway, { Key, Metadata: { filling: 'x'.repeat(1_900) } });
    if (status === 200) acknowledged.push(Key);
    else expect({ status, Key }).toEqual({ status: 503, Key: (refused = Key) });
  }
  expect(refused).not.toBe('');
  // The log may come a little later than the answer.
  for (let waited = 0; !reason.test(gateway.log.join('\n')) && waited < 5_000; waited += 50) await sleep(50);
  expect(gateway.log.join('\n')).toMatch(reason);
  for (const Key of acknowledged)
    await s3Client(gateway).send(new HeadObjectCommand({ Bucket: gateway.bucket, Key }));
  makeRoom();
  expect(await statusOfPut(gateway, { Key: 'later' })).toBe(200);
  const keys = await keysOf(gateway);
  expect(keys.filter((key) => key !== refused)).toEqual([...acknowledged, 'later'].sort());
};

beforeEach(async () => {
  ftp = await EmbeddedFtpServer.start();
  disk = mkdtempSync(join(tmpdir(), 'longhaul-disk-'));
});

afterEach(async () => {
  await ftp.stop();
  rmSync(disk, { recursive: true, force: true });
});

describe('a row that the disk changes while the gateway runs', () => {
  it('is answered from never: the gateway says so and ends, and the next one has everything from the FTP server', async () => {
    const gateway = await start();
    const Keys = Array.from({ length: 5 }, (_, i) => `d/object-${i}`);
    for (const Key of Keys) expect(await statusOfPut(gateway, { Key })).toBe(200);
    const file = join(disk, 'catalog', 'lmdb', 'data.mdb');
    const bytes = readFileSync(file);
    for (let at = 0; (at = bytes.indexOf('object-3', at) + 1) > 0;)
      // The name stands in intents, too: the last of them may end the file.
      bytes[at + 'object-3'.length + 8] = 0x5a;
    writeFileSync(file, bytes, { flag: 'r+' });

    const head = new HeadObjectCommand({ Bucket: gateway.bucket, Key: 'd/object-3' });
    const answer = await s3Client(gateway, { maxAttempts: 1 })
      .send(head)
      .then(
        () => 200,
        (error: unknown) => statusOf(error),
      );
    expect([503, undefined]).toContain(answer);
    for (let waited = 0; gateway.running && waited < 30_000; waited += 50) await sleep(50);
    expect(gateway.running).toBe(false);
    expect(gateway.log.join('\n')).toMatch(/the catalog's row .*object-3.* is damaged/);

    const next = await start();
    try {
      expect(await keysOf(next)).toEqual(Keys);
      expect(next.log.join('\n')).toMatch(/catalog on local disk cannot be used: it is dropped, and rebuilt/);
    } finally {
      await next.kill();
    }
  });
});

describe('a catalog that may not grow', () => {
  it('has clients told to come again, and why, loses nothing, and is used again when it may', async () => {
    const gateway = await start();
    try {
      expect(await statusOfPut(gateway, { Key: 'first' })).toBe(200);
      gateway.limitFiles(statSync(join(disk, 'catalog', 'lmdb', 'data.mdb')).size + 65_536);
      await goesOn(gateway, /cannot be written: File too large/, () => gateway.limitFiles('unlimited'));
      expect(gateway.log.join('\n')).not.toContain('see commitError');
    } finally {
      await gateway.kill();
    }
  }, 60_000);
});

function canMount(): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'longhaul-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory], { stdio: 'ignore' });
    execFileSync('umount', [directory]);
    return true;
  } catch {
    process.stderr.write('nothing can be mounted here: a full and a read-only disk are not tested\n');
    return false;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

(canMount() ? describe : describe.skip)('a catalog disk', () => {
  const mount = (options: string) =>
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', disk], { stdio: 'ignore' });

  afterEach(() => {
    execFileSync('umount', ['-l', disk]);
  });

  it('that is full has clients told to come again, loses nothing, and is used again when there is room', async () => {
    mount('size=8m');
    const gateway = await start();
    try {
      expect(await statusOfPut(gateway, { Key: 'first' })).toBe(200);
      const ballast = join(disk, 'ballast');
      let size = 8 * MIB;
      for (; size > 0; size -= 65_536) {
        try {
          writeFileSync(ballast, Buffer.alloc(size));
          break;
        } catch {
          rmSync(ballast);
        }
      }
      expect(size).toBeGreaterThan(0);
      await goesOn(gateway, /cannot be written: its disk is full/, () => rmSync(ballast));
    } finally {
      await gateway.kill();
    }
  }, 60_000);

  it('that is read-only is told, and the gateway does not start', async () => {
    mount('size=8m');
    const gateway = await start();
    await gateway.stop();
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    await expect(start()).rejects.toThrow(/the catalog directory .* cannot be used: .*EROFS/);
  }, 60_000);
});
