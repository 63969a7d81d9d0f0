/** How much slower good requests are while wrongly signed uploads are turned away. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { EmbeddedFtpServer } from '../support/embedded-ftp-server';
import { GatewayProcess } from '../support/gateway-process';
import type { RefusedLoadOptions, RefusedLoadResult } from '../support/refused-load';
import { bodyBytes, s3Client } from '../support/s3';
import { median, type Bench } from './bench';
import { secondsOf } from './stage';

const GIBIBYTE = 1024 ** 3;
const OBJECT = Buffer.alloc(100_000, 'good');

export const bench: Bench = {
  name: 'refused',
  async run({ quick, progress }) {
    const ftp = await EmbeddedFtpServer.start();
    const gateway = await GatewayProcess.start({ ftp, encryptionKey: '42'.repeat(32) });
    try {
      await gateway.ready();
      const client = s3Client(gateway);
      const rounds = quick ? 50 : 300;
      progress('good requests alone');
      const alone = await goodRequests(client, gateway.bucket, rounds, () => false);
      progress('beside 10,000 refused ones');
      let done = false;
      const { port, bucket, accessKeyId } = gateway;
      const requests = 10_000;
      const started = performance.now();
      const flood = runFlood({
        ...{ port, bucket, accessKeyId, requests },
        ...{ connections: 16, bodyBytes: GIBIBYTE, sentBytes: 64 * 1024 },
      }).finally(() => {
        done = true;
      });
      const beside = await goodRequests(client, gateway.bucket, Infinity, () => done);
      const { answers } = await flood;
      const seconds = (performance.now() - started) / 1000;
      const row = (name: string, a: readonly number[], b: readonly number[]) => [
        name,
        median(a) * 1000,
        median(b) * 1000,
        median(b) / median(a),
      ];
      return [
        {
          title: 'Good requests beside refused ones',
          notes: [
            `${requests} PUTs of a gibibyte with a wrong signature, 16 at a time, ${(requests / seconds).toFixed(0)} a second; answered 403: ${answers[403] ?? 0}.`,
            'Clients, gateway and FTP server share one machine: the cost of sending the refused requests is in the figures.',
          ],
          columns: [
            'request, one at a time, 100 kB',
            'median alone, ms',
            'median beside, ms',
            'times as long',
          ],
          rows: [row('PUT', alone.put, beside.put), row('GET', alone.get, beside.get)],
        },
      ];
    } finally {
      await gateway.stop();
      await ftp.stop();
    }
  },
};

async function runFlood(options: RefusedLoadOptions): Promise<RefusedLoadResult> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', 'test/bench/refused-flood.ts'],
    { cwd: join(__dirname, '..', '..'), env: { ...process.env, REFUSED_FLOOD: JSON.stringify(options) } },
  );
  return JSON.parse(stdout) as RefusedLoadResult;
}

/** Seconds of each. */
async function goodRequests(
  client: S3Client,
  Bucket: string,
  rounds: number,
  isOver: () => boolean,
): Promise<{ readonly put: readonly number[]; readonly get: readonly number[] }> {
  const put: number[] = [];
  const get: number[] = [];
  for (let i = 0; i < rounds && !isOver(); i += 1) {
    const Key = `object-${i % 10}`;
    put.push(
      await secondsOf(
        async () => void (await client.send(new PutObjectCommand({ Bucket, Key, Body: OBJECT }))),
      ),
    );
    get.push(
      await secondsOf(
        async () => void (await bodyBytes((await client.send(new GetObjectCommand({ Bucket, Key }))).Body)),
      ),
    );
  }
  return { put, get };
}
