/** Several access keys, each with its rights. */
import type { AccessKey } from '../../../gateway/s3/access-key';
import { md5Hex } from '../../contract/bodies';
import {
  ACCESS_KEY,
  startApp,
  TEST_BUCKET as bucket,
  type AppServer,
  type RawRequest,
} from '../../support/app-server';

const OTHER_BUCKET = 'other-bucket';
const key = (name: string, rights: AccessKey['rights'], buckets?: string[]): AccessKey => ({
  name,
  accessKeyId: `id-${name}`,
  secretAccessKey: `secret-of-${name}`,
  rights,
  ...(buckets && { buckets }),
});
const KEYS = [
  ACCESS_KEY,
  key('reader', 'read-only'),
  key('keeper', 'write-without-delete'),
  key('scoped', 'read-write', [bucket, 'new-bucket']),
];

let app: AppServer;
beforeAll(async () => {
  app = await startApp({ accessKeys: KEYS });
  await app.store.createBucket(OTHER_BUCKET);
});
afterAll(() => app.close());
beforeEach(async () => {
  for (const name of [bucket, OTHER_BUCKET])
    await app.raw({ method: 'PUT', target: `/${name}/object`, body: 'hello' });
});

const as = async (name: string, request: RawRequest): Promise<string> => {
  const { accessKeyId = '', secretAccessKey = '' } = KEYS.find((each) => each.name === name) ?? {};
  const { status, code = '' } = await app.raw({ ...request, signer: { accessKeyId, secretAccessKey } });
  return `${status} ${code}`.trim();
};
const exists = async (name: string, objectKey = 'object') =>
  (await app.store.stat({ bucket: name, key: objectKey })) !== undefined;

const deleteDocument = '<Delete><Object><Key>object</Key></Object></Delete>';
const read = (target: string): RawRequest => ({ target });
const put = (target: string, headers = {}): RawRequest => ({ method: 'PUT', target, body: 'new', headers });
const remove = (target: string): RawRequest => ({ method: 'DELETE', target });
const removeMany: RawRequest = {
  method: 'POST',
  target: `/${bucket}?delete`,
  body: deleteDocument,
  headers: { 'content-md5': Buffer.from(md5Hex(deleteDocument), 'hex').toString('base64') },
};

describe('a read-only key', () => {
  it.each([
    read('/'),
    read(`/${bucket}`),
    read(`/${bucket}/object`),
    { ...read(`/${bucket}/object`), method: 'HEAD' },
  ])('reads ($method $target)', async (request) => {
    expect(await as('reader', request)).toBe('200');
  });

  it.each([
    put(`/${bucket}/new`),
    put(`/${bucket}/new`, { 'x-amz-copy-source': `/${bucket}/object` }),
    put('/new-bucket'),
    { ...put(`/${bucket}/new?uploads`), method: 'POST' },
    remove(`/${bucket}/object`),
    remove(`/${bucket}/object?uploadId=u`),
    remove(`/${bucket}`),
    removeMany,
  ])('changes nothing ($method $target)', async (request) => {
    expect(await as('reader', request)).toBe('403 AccessDenied');
    expect(await exists(bucket)).toBe(true);
    expect(await exists(bucket, 'new')).toBe(false);
  });
});

describe('a key for writing without deleting', () => {
  it('stores, replaces, reads, and gives up its own uploads', async () => {
    expect(await as('keeper', put(`/${bucket}/object`))).toBe('200');
    expect(await as('keeper', read(`/${bucket}/object`))).toBe('200');
    const uploadId = await app.store.createUpload({ bucket, key: 'up' }, { headers: {}, metadata: {} });
    expect(await as('keeper', remove(`/${bucket}/up?uploadId=${uploadId}`))).toBe('204');
  });

  it.each([remove(`/${bucket}/object`), removeMany, remove(`/${bucket}`)])(
    'deletes nothing ($method $target)',
    async (request) => {
      expect(await as('keeper', request)).toBe('403 AccessDenied');
      expect(await exists(bucket)).toBe(true);
    },
  );
});

describe('a key for some buckets', () => {
  it('does in them what its rights allow', async () => {
    expect(await as('scoped', put(`/${bucket}/object`))).toBe('200');
    expect(await as('scoped', put('/new-bucket'))).toBe('200');
    expect(await as('scoped', remove('/new-bucket'))).toBe('204');
  });

  it('sees no other bucket', async () => {
    const { accessKeyId, secretAccessKey } = key('scoped', 'read-write');
    const { body } = await app.raw({ target: '/', signer: { accessKeyId, secretAccessKey } });
    expect(body).toContain(`<Name>${bucket}</Name>`);
    expect(body).not.toContain(OTHER_BUCKET);
    expect((await app.raw({ target: '/' })).body).toContain(OTHER_BUCKET);
  });

  it.each([
    read(`/${OTHER_BUCKET}`),
    read(`/${OTHER_BUCKET}/object`),
    put(`/${OTHER_BUCKET}/new`),
    remove(`/${OTHER_BUCKET}/object`),
    put(`/${bucket}/new`, { 'x-amz-copy-source': `/${OTHER_BUCKET}/object` }),
  ])('gets nothing from another bucket and into none ($method $target)', async (request) => {
    expect(await as('scoped', request)).toBe('403 AccessDenied');
    expect(await exists(OTHER_BUCKET)).toBe(true);
    expect(await exists(bucket, 'new')).toBe(false);
  });

  it('copies no part from another bucket', async () => {
    const uploadId = await app.store.createUpload({ bucket, key: 'up' }, { headers: {}, metadata: {} });
    const target = `/${bucket}/up?partNumber=1&uploadId=${uploadId}`;
    const request = put(target, { 'x-amz-copy-source': `/${OTHER_BUCKET}/object` });
    expect(await as('scoped', { ...request, body: '' })).toBe('403 AccessDenied');
    expect(await app.store.listParts({ bucket, key: 'up', uploadId })).toEqual([]);
  });

  it('is told that a name is taken, whether that bucket exists or not', async () => {
    expect(await as('scoped', put(`/${OTHER_BUCKET}`))).toBe('409 BucketAlreadyExists');
    expect(await as('scoped', put('/no-such-bucket'))).toBe('409 BucketAlreadyExists');
  });
});

it('logs which key a request was signed with, and no key of one that was not let in', async () => {
  const before = app.records.length;
  await as('reader', read(`/${bucket}/object`));
  await app.raw({ target: `/${bucket}/object`, signer: { secretAccessKey: 'wrong' } });
  expect(app.records.slice(before).map(({ accessKey }) => accessKey)).toEqual(['reader', undefined]);
  expect(app.logLines.join()).not.toContain('secret-of-');
});
