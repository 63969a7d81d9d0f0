/** Bodies stream: the gateway's memory does not grow with the number or the size of objects. */
import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { EmbeddedFtpServer } from '../support/embedded-ftp-server';
import { GatewayProcess } from '../support/gateway-process';
import { randomBlock } from '../support/longhorn/block-content';
import { s3Client } from '../support/s3';

const MIB = 1024 * 1024;
const LIMIT_BYTES = 300 * MIB;
/** 4096 shows the full claim, at four times the run time. */
const LARGE_OBJECT_MIB = Number(process.env['LONGHAUL_LARGE_OBJECT_MIB'] ?? 1024);
const PARALLEL_PUTS = 64;

/** `LARGE_OBJECT_MIB` of bytes that no compression helps with, made from one mebibyte. */
function* largeBody(): Generator<Buffer> {
  const chunk = randomBlock(1, MIB);
  for (let index = 0; index < LARGE_OBJECT_MIB; index++) {
    chunk.writeUInt32BE(index);
    yield Buffer.from(chunk);
  }
}

function digestOf(chunks: Iterable<Buffer>): string {
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}

/** PUT of a presigned URL with a body that is never in memory as a whole; resolves with the status. */
async function putLargeBody(url: string): Promise<number | undefined> {
  const length = LARGE_OBJECT_MIB * MIB;
  const outgoing = request(url, { method: 'PUT', headers: { 'content-length': length } });
  const status = new Promise<number | undefined>((resolve, reject) => {
    outgoing.once('response', (reply) => {
      reply.resume();
      reply.once('end', () => resolve(reply.statusCode));
    });
    outgoing.once('error', reject);
  });
  await pipeline(Readable.from(largeBody()), outgoing);
  return status;
}

async function digestOfReply(url: string): Promise<string> {
  const hash = createHash('sha256');
  const reply = await fetch(url);
  if (!reply.ok || !reply.body) throw new Error(`GET was answered with ${reply.status}`);
  for await (const chunk of reply.body) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

describe('memory of the gateway', () => {
  let ftp: EmbeddedFtpServer;
  let gateway: GatewayProcess;

  beforeEach(async () => {
    ftp = await EmbeddedFtpServer.start();
    gateway = await GatewayProcess.start({ ftp, encryptionKey: randomBytes(32).toString('hex') });
  });

  afterEach(async () => {
    await gateway.stop();
    await ftp.stop();
  });

  it(`stays under 300 MiB with ${PARALLEL_PUTS} PUTs of 2 MiB at once`, async () => {
    const client = s3Client(gateway, { requestHandler: { httpAgent: { maxSockets: PARALLEL_PUTS } } });
    const puts = Array.from({ length: PARALLEL_PUTS }, (_, index) =>
      client.send(
        new PutObjectCommand({
          Bucket: gateway.bucket,
          Key: `block-${index}`,
          Body: randomBlock(index, 2 * MIB),
        }),
      ),
    );
    await Promise.all(puts);
    client.destroy();
    expect(gateway.peakRssBytes()).toBeLessThan(LIMIT_BYTES);
  }, 120_000);

  it(`stays under 300 MiB with a PUT and a GET of ${LARGE_OBJECT_MIB} MiB`, async () => {
    // Otherwise the SDK signs the checksum of an empty body into the URL.
    const client = s3Client(gateway, { requestChecksumCalculation: 'WHEN_REQUIRED' });
    const ref = { Bucket: gateway.bucket, Key: 'large' };
    expect(await putLargeBody(await getSignedUrl(client, new PutObjectCommand(ref)))).toBe(200);
    const digest = await digestOfReply(await getSignedUrl(client, new GetObjectCommand(ref)));
    client.destroy();
    expect(digest).toBe(digestOf(largeBody()));
    expect(gateway.peakRssBytes()).toBeLessThan(LIMIT_BYTES);
  }, 600_000);
});
