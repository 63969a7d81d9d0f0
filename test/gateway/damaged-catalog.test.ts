/** A catalog that the disk changed is never answered from: it is dropped, and had again from the FTP server. */
import { closeSync, mkdtempSync, openSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { EmbeddedFtpServer } from '../support/embedded-ftp-server';
import { GatewayProcess } from '../support/gateway-process';
import { s3Client } from '../support/s3';

const KEYS = Array.from({ length: 40 }, (_, i) => `d/${i % 7}/object-${i}`);

/** What happens to the file while no gateway runs. */
const DAMAGE: Readonly<Record<string, (file: string, size: number) => void>> = {
  'is cut to half': (file, size) => truncateSync(file, size >> 1),
  'is empty': (file) => truncateSync(file, 0),
  'holds something else': (file, size) => overwrite(file, 0, size, 0xa5),
  'has lost its pages': (file, size) => overwrite(file, 8192, size - 8192, 0),
  'has a row that was changed': (file, size) => {
    for (let at = 8192 + 4000; at < size; at += 4096) overwrite(file, at, 40, 0x77);
  },
};

function overwrite(file: string, at: number, length: number, byte: number): void {
  const fd = openSync(file, 'r+');
  writeSync(fd, Buffer.alloc(length, byte), 0, length, at);
  closeSync(fd);
}

describe('a gateway whose catalog on disk', () => {
  let ftp: EmbeddedFtpServer;
  const catalogDirectory = mkdtempSync(join(tmpdir(), 'longhaul-damaged-'));
  const start = () => {
    const { host, port, user, password } = ftp;
    return GatewayProcess.start({
      ftp: { host, port, user, password, tls: 'off' },
      encryptionKey: '42'.repeat(32),
      catalogDirectory,
    });
  };

  beforeAll(async () => {
    ftp = await EmbeddedFtpServer.start();
    const gateway = await start();
    const client = s3Client(gateway);
    for (const Key of KEYS) await client.send(new PutObjectCommand({ Bucket: 'longhorn', Key, Body: Key }));
    await gateway.kill();
  });

  afterAll(async () => {
    await ftp.stop();
    rmSync(catalogDirectory, { recursive: true, force: true });
  });

  it.each(Object.keys(DAMAGE))('%s shows everything, after at most one start that fails', async (what) => {
    const file = join(catalogDirectory, 'lmdb', 'data.mdb');
    DAMAGE[what]?.(file, statSync(file).size);
    // LMDB reads a file that is not whole at its peril: that may end the process, and the next start knows.
    const gateway = await start().catch(() => start());
    try {
      const page = await s3Client(gateway).send(new ListObjectsV2Command({ Bucket: 'longhorn' }));
      expect(page.Contents?.map(({ Key }) => Key)).toEqual([...KEYS].sort());
    } finally {
      await gateway.kill();
    }
  });
});
