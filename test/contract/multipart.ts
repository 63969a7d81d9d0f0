import { S3Error } from '../../gateway/errors';
import type { CompletedPart, ObjectStore, UploadRef } from '../../gateway/store/object-store';
import { bodyOf, brokenBody, bytesOf, crc32Of, md5Hex } from './bodies';
import { refusalOf } from './refusal';

const ref = { bucket: 'bucket', key: 'folder/object' };
const ATTRIBUTES = { headers: { 'content-type': 'text/plain' }, metadata: { color: 'blue' } };
const MIN_PART = 5 * 1024 * 1024;

export function multipartContract(store: () => ObjectStore): void {
  let upload: UploadRef;
  beforeEach(async () => {
    await store().createBucket(ref.bucket);
    upload = { ...ref, uploadId: await store().createUpload(ref, ATTRIBUTES) };
  });

  const putPart = async (partNumber: number, content: Buffer | string): Promise<CompletedPart> => {
    const { etag } = await store().putPart(upload, partNumber, bodyOf(content));
    return { partNumber, etag };
  };
  const content = async (): Promise<Buffer> => bytesOf((await store().open(ref)).read());

  it('become an object of their parts, whatever order these came in', async () => {
    const parts = [
      Buffer.alloc(MIN_PART, 'first '),
      Buffer.alloc(MIN_PART + 1, 'second '),
      Buffer.from('end'),
    ];
    const last = await putPart(7, parts[2] ?? '');
    const first = await putPart(1, parts[0] ?? '');
    const middle = await putPart(3, parts[1] ?? '');
    expect(await store().stat(ref)).toBeUndefined();
    const info = await store().completeUpload(upload, [first, middle, last]);
    const md5s = Buffer.from(parts.map(md5Hex).join(''), 'hex');
    expect(info).toMatchObject({ ...ATTRIBUTES, size: 2 * MIN_PART + 4, etag: `${md5Hex(md5s)}-3` });
    expect(info.parts?.map(({ partNumber, size }) => ({ partNumber, size }))).toEqual([
      { partNumber: 1, size: MIN_PART },
      { partNumber: 3, size: MIN_PART + 1 },
      { partNumber: 7, size: 3 },
    ]);
    expect(await store().stat(ref)).toEqual(info);
    expect((await content()).equals(Buffer.concat(parts))).toBe(true);
    const across = { start: MIN_PART - 3, end: MIN_PART + 3 };
    const bytes = await bytesOf((await store().open(ref)).read(across));
    expect(bytes.equals(Buffer.concat(parts).subarray(across.start, across.end))).toBe(true);
    expect(await store().listUploads(ref.bucket)).toEqual([]);
  });

  it('keep a part as it was last sent', async () => {
    await putPart(1, 'first try');
    const second = await putPart(1, 'second try');
    await store().completeUpload(upload, [second]);
    expect((await content()).toString()).toBe('second try');
  });

  it('leave out parts that are not named', async () => {
    const named = await putPart(2, 'named');
    await putPart(1, 'unnamed');
    await store().completeUpload(upload, [named]);
    expect((await content()).toString()).toBe('named');
  });

  it('drop a part that fails its check', async () => {
    const good = await putPart(1, 'good');
    expect(await refusalOf(store().putPart(upload, 1, brokenBody('bad')))).toBe('BadDigest');
    expect(await store().listParts(upload)).toMatchObject([{ partNumber: 1, etag: good.etag }]);
  });

  it('list their parts in order, and themselves by key', async () => {
    await putPart(2, 'two');
    await putPart(1, 'one');
    expect(await store().listParts(upload)).toMatchObject([
      { partNumber: 1, size: 3, etag: md5Hex('one') },
      { partNumber: 2, size: 3, etag: md5Hex('two') },
    ]);
    const other = { bucket: ref.bucket, key: 'a' };
    const uploadId = await store().createUpload(other, ATTRIBUTES);
    const uploads = await store().listUploads(ref.bucket);
    expect(uploads).toMatchObject([{ ...other, uploadId }, upload]);
    expect(await store().getUpload(upload)).toMatchObject({ ...upload, attributes: ATTRIBUTES });
  });

  it('remember the checksum that was announced', async () => {
    const options = { checksumAlgorithm: 'SHA256', checksumType: 'COMPOSITE' } as const;
    const uploadId = await store().createUpload(ref, ATTRIBUTES, options);
    expect(await store().getUpload({ ...ref, uploadId })).toMatchObject(options);
  });

  it('get the checksum of their parts together, and refuse another', async () => {
    const options = { checksumAlgorithm: 'CRC32', checksumType: 'FULL_OBJECT' } as const;
    const checksummed = { ...ref, uploadId: await store().createUpload(ref, ATTRIBUTES, options) };
    const contents = [Buffer.alloc(MIN_PART, 'first '), Buffer.from('second')];
    const parts: CompletedPart[] = [];
    for (const [i, bytes] of contents.entries()) {
      const body = bodyOf(bytes, { checksum: crc32Of(bytes) });
      const { etag } = await store().putPart(checksummed, i + 1, body);
      parts.push({ partNumber: i + 1, etag, checksum: crc32Of(bytes).value });
    }
    const checksum = crc32Of(Buffer.concat(contents));
    const wrong = { ...checksum, value: 'AAAAAA==' };
    expect(await refusalOf(store().completeUpload(checksummed, parts, { checksum: wrong }))).toBe(
      'BadDigest',
    );
    const renamed = parts.map((part) => ({ ...part, checksum: 'AAAAAA==' }));
    expect(await refusalOf(store().completeUpload(checksummed, renamed))).toBe('InvalidPart');
    expect(await store().completeUpload(checksummed, parts, { checksum })).toMatchObject({ checksum });
    expect(await store().stat(ref)).toMatchObject({ checksum });
  });

  it('refuse parts that are out of order, unknown, changed or too small, and stay open', async () => {
    const small = await putPart(1, 'too small');
    const last = await putPart(2, 'last');
    const refused = async (parts: CompletedPart[]) => refusalOf(store().completeUpload(upload, parts));
    expect(await refused([last, small])).toBe('InvalidPartOrder');
    expect(await refused([small, small])).toBe('InvalidPartOrder');
    expect(await refused([{ partNumber: 3, etag: last.etag }])).toBe('InvalidPart');
    expect(await refused([{ partNumber: 2, etag: small.etag }])).toBe('InvalidPart');
    expect(await refused([])).toBe('InvalidPart');
    expect(await refused([small, last])).toBe('EntityTooSmall');
    expect(await store().stat(ref)).toBeUndefined();
    await store().completeUpload(upload, [last]);
    expect((await content()).toString()).toBe('last');
  });

  it('that are completed again with the same parts give the same object', async () => {
    const part = await putPart(1, 'content');
    const first = await store().completeUpload(upload, [part]);
    expect(await store().completeUpload(upload, [part])).toEqual(first);
    const other = [{ partNumber: 1, etag: md5Hex('other') }];
    expect(await refusalOf(store().completeUpload(upload, other))).toBe('NoSuchUpload');
  });

  it('are gone once completed', async () => {
    await store().completeUpload(upload, [await putPart(1, 'content')]);
    expect(await refusalOf(store().putPart(upload, 2, bodyOf('late')))).toBe('NoSuchUpload');
    expect(await refusalOf(store().listParts(upload))).toBe('NoSuchUpload');
    expect(await refusalOf(store().getUpload(upload))).toBe('NoSuchUpload');
    expect(await refusalOf(store().abortUpload(upload))).toBe('NoSuchUpload');
  });

  it('are gone once aborted, without a trace of the object', async () => {
    const part = await putPart(1, 'content');
    await store().abortUpload(upload);
    expect(await refusalOf(store().completeUpload(upload, [part]))).toBe('NoSuchUpload');
    expect(await refusalOf(store().putPart(upload, 1, bodyOf('late')))).toBe('NoSuchUpload');
    expect(await refusalOf(store().abortUpload(upload))).toBe('NoSuchUpload');
    expect(await store().stat(ref)).toBeUndefined();
    expect(await store().listUploads(ref.bucket)).toEqual([]);
  });

  it('are known by bucket, key and id together', async () => {
    const strangers = [
      { ...upload, uploadId: 'unknown' },
      { ...upload, uploadId: '' },
      { ...upload, uploadId: '../../x' },
      { ...upload, key: 'other' },
    ];
    for (const stranger of strangers) {
      expect(await refusalOf(store().getUpload(stranger))).toBe('NoSuchUpload');
      expect(await refusalOf(store().putPart(stranger, 1, bodyOf('x')))).toBe('NoSuchUpload');
    }
  });

  it('replace an object only when completed, and only if the condition holds', async () => {
    const before = await store().put(ref, bodyOf('old'), ATTRIBUTES);
    const part = await putPart(1, 'new');
    expect((await content()).toString()).toBe('old');
    const condition = () => {
      throw new S3Error('PreconditionFailed');
    };
    expect(await refusalOf(store().completeUpload(upload, [part], { condition }))).toBe('PreconditionFailed');
    expect((await content()).toString()).toBe('old');
    const after = await store().completeUpload(upload, [part]);
    expect((await content()).toString()).toBe('new');
    expect(after.lastModified).toBeGreaterThan(before.lastModified);
  });

  it('of one key do not disturb each other', async () => {
    const other = { ...ref, uploadId: await store().createUpload(ref, ATTRIBUTES) };
    expect(other.uploadId).not.toBe(upload.uploadId);
    const mine = await putPart(1, 'mine');
    const { etag } = await store().putPart(other, 1, bodyOf('theirs'));
    await store().completeUpload(other, [{ partNumber: 1, etag }]);
    await store().completeUpload(upload, [mine]);
    expect((await content()).toString()).toBe('mine');
  });
}
