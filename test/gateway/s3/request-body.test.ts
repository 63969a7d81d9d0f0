import { createHash } from 'node:crypto';
import { replay, requestBody, type IncomingBody } from '../../../gateway/s3/request-body';
import type { Body } from '../../../gateway/store/object-store';
import { readAll } from '../../support/bodies';

const CONTENT = 'in two pieces';
const sha256 = createHash('sha256').update(CONTENT).digest('hex');

function incoming(changes: { hex?: string; headers?: Record<string, string> } = {}): IncomingBody {
  const { hex = sha256, headers = {} } = changes;
  return {
    headers: { 'content-length': `${CONTENT.length}`, ...headers },
    authentication: { payloadHash: { kind: 'sha256', hex } } as IncomingBody['authentication'],
    bytes: replay([Buffer.from('in two '), Buffer.from('pieces')]),
  };
}

const textOf = async (body: Body): Promise<string> => (await readAll(body.open())).toString();

describe('a body that is held', () => {
  it('can be read again and again, and knows its digests once it was read', async () => {
    const body = await requestBody(incoming()).hold();
    expect(() => body.digests()).toThrow('not been read');
    for (let times = 0; times < 3; times += 1) expect(await textOf(body)).toBe(CONTENT);
    expect(body.digests().md5).toEqual(createHash('md5').update(CONTENT).digest());
  });

  it.each([
    ['the hash that was signed', { hex: '0'.repeat(64) }, 'XAmzContentSHA256Mismatch'],
    ['its MD5', { headers: { 'content-md5': Buffer.alloc(16).toString('base64') } }, 'BadDigest'],
    ['its checksum', { headers: { 'x-amz-checksum-crc32': 'AAAAAA==' } }, 'BadDigest'],
  ])('never ends if it has not %s, however often it is read', async (_what, changes, code) => {
    const body = await requestBody(incoming(changes)).hold();
    for (let times = 0; times < 2; times += 1) await expect(textOf(body)).rejects.toMatchObject({ code });
    expect(() => body.digests()).toThrow('not been read');
  });

  it('is compared from its first byte where a reading of it was broken off', async () => {
    const body = await requestBody(incoming()).hold();
    for await (const piece of body.open()) if (piece.length > 0) break;
    expect(await textOf(body)).toBe(CONTENT);
  });

  it.each([
    ['shorter', CONTENT.length + 1],
    ['longer', CONTENT.length - 1],
  ])('is refused before anybody reads it if it is %s than declared', async (_what, length) => {
    const body = requestBody(incoming({ headers: { 'content-length': `${length}` } }));
    await expect(body.hold()).rejects.toMatchObject({ code: 'IncompleteBody' });
  });
});
