import {
  ListObjectsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3';
import { bodyOf } from '../../contract/bodies';
import { startApp, TEST_BUCKET as Bucket, type AppServer } from '../../support/app-server';
import { s3Refusal } from '../../support/s3-refusal';

const KEYS = ['a', 'b/1', 'b/2', 'c/1', 'd'];

let app: AppServer;
let s3: S3Client;
beforeAll(async () => {
  app = await startApp();
  s3 = app.client();
  for (const key of KEYS) await put(key);
});
afterAll(() => app.close());

const put = (key: string, bucket = Bucket) =>
  app.store.put({ bucket, key }, bodyOf('x'), { headers: {}, metadata: {} });
const keysOf = (page: { Contents?: { Key?: string }[] }) => (page.Contents ?? []).map(({ Key }) => Key);
const prefixesOf = (page: { CommonPrefixes?: { Prefix?: string }[] }) =>
  (page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix);

describe('a listing, version 2', () => {
  it('shows keys and common prefixes, and echoes what was asked', async () => {
    const page = await s3.send(
      new ListObjectsV2Command({ Bucket, Delimiter: '/', StartAfter: 'a', FetchOwner: true }),
    );
    expect(keysOf(page)).toEqual(['d']);
    expect(prefixesOf(page)).toEqual(['b/', 'c/']);
    const echoes = { Name: Bucket, Prefix: '', Delimiter: '/', StartAfter: 'a', MaxKeys: 1_000, KeyCount: 3 };
    expect(page).toMatchObject({ ...echoes, IsTruncated: false });
    expect(page.Contents?.[0]).toMatchObject({
      Size: 1,
      StorageClass: 'STANDARD',
      Owner: { ID: 'longhaul' },
    });
  });

  it('goes on where its token says, in pages of keys and common prefixes together', async () => {
    const pages: string[][] = [];
    for await (const page of paginateListObjectsV2({ client: s3, pageSize: 2 }, { Bucket, Delimiter: '/' })) {
      expect(page.KeyCount).toBeLessThanOrEqual(2);
      pages.push([...keysOf(page), ...prefixesOf(page)].map(String));
    }
    expect(pages).toEqual([
      ['a', 'b/'],
      ['d', 'c/'],
    ]);
  });

  it('refuses a token that it did not make', async () => {
    for (const ContinuationToken of ['x', 'MQ', 'MWE=', Buffer.from('2a').toString('base64url')]) {
      const list = s3.send(new ListObjectsV2Command({ Bucket, ContinuationToken }));
      expect(await s3Refusal(list)).toBe('400 InvalidArgument');
    }
  });

  it('is empty for no keys at most, and 1,000 keys long at most', async () => {
    expect(await s3.send(new ListObjectsV2Command({ Bucket, MaxKeys: 0 }))).toMatchObject({
      KeyCount: 0,
      IsTruncated: false,
    });
    expect((await s3.send(new ListObjectsV2Command({ Bucket, MaxKeys: 5_000 }))).MaxKeys).toBe(1_000);
    expect(await s3Refusal(s3.send(new ListObjectsV2Command({ Bucket, MaxKeys: -1 })))).toBe(
      '400 InvalidArgument',
    );
  });

  it('writes keys that XML cannot hold percent-encoded if asked', async () => {
    await app.store.createBucket('encoded');
    const keys = ['\u0001 +%/\u00e9', 'x&<y>', '\u{1f600}'];
    for (const key of keys) await put(key, 'encoded');
    const asked = { Bucket: 'encoded', EncodingType: 'url', Prefix: '', Delimiter: '+' } as const;
    const page = await s3.send(new ListObjectsV2Command(asked));
    expect(page).toMatchObject({ EncodingType: 'url', Delimiter: '%2B' });
    expect(
      [...keysOf(page), ...prefixesOf(page)].map((key) => decodeURIComponent(String(key))).sort(),
    ).toEqual(['\u0001 +', 'x&<y>', '\u{1f600}'].sort());
    const wrong = s3.send(new ListObjectsV2Command({ Bucket, EncodingType: 'hex' as 'url' }));
    expect(await s3Refusal(wrong)).toBe('400 InvalidArgument');
  });

  it('has more than a thousand keys in two pages', async () => {
    await app.store.createBucket('many');
    for (let i = 0; i < 1_001; i++) await put(`key-${i}`, 'many');
    const first = await s3.send(new ListObjectsV2Command({ Bucket: 'many' }));
    expect(first).toMatchObject({ KeyCount: 1_000, IsTruncated: true });
    const ContinuationToken = first.NextContinuationToken;
    const second = await s3.send(new ListObjectsV2Command({ Bucket: 'many', ContinuationToken }));
    expect(second).toMatchObject({ KeyCount: 1, IsTruncated: false, ContinuationToken });
  });

  it('is refused for a bucket that is not there', async () => {
    expect(await s3Refusal(s3.send(new ListObjectsV2Command({ Bucket: 'missing' })))).toBe(
      '404 NoSuchBucket',
    );
  });
});

describe('a listing, version 1', () => {
  it('names the next marker with a delimiter, also for a page of only common prefixes', async () => {
    const first = await s3.send(new ListObjectsCommand({ Bucket, Delimiter: '/', MaxKeys: 1, Marker: 'a' }));
    expect(keysOf(first)).toEqual([]);
    expect(prefixesOf(first)).toEqual(['b/']);
    expect(first).toMatchObject({ IsTruncated: true, NextMarker: 'b/', Marker: 'a' });
    const second = await s3.send(
      new ListObjectsCommand({ Bucket, Delimiter: '/', MaxKeys: 5, Marker: 'b/' }),
    );
    expect([keysOf(second), prefixesOf(second)]).toEqual([['d'], ['c/']]);
    expect(second).toMatchObject({ IsTruncated: false });
  });

  it('leaves the marker to the client without one', async () => {
    const page = await s3.send(new ListObjectsCommand({ Bucket, MaxKeys: 2 }));
    expect(page).toMatchObject({ IsTruncated: true });
    expect(page.NextMarker).toBeUndefined();
    expect(keysOf(page)).toEqual(['a', 'b/1']);
  });
});

describe('a listing of versions', () => {
  it('shows each object as its one version', async () => {
    const page = await s3.send(new ListObjectVersionsCommand({ Bucket, Delimiter: '/', MaxKeys: 2 }));
    expect(page.Versions).toMatchObject([{ Key: 'a', VersionId: 'null', IsLatest: true, Size: 1 }]);
    expect(prefixesOf(page)).toEqual(['b/']);
    expect(page).toMatchObject({ IsTruncated: true, NextKeyMarker: 'b/', NextVersionIdMarker: 'null' });
    const KeyMarker = page.NextKeyMarker;
    const rest = await s3.send(
      new ListObjectVersionsCommand({ Bucket, Delimiter: '/', KeyMarker, VersionIdMarker: 'null' }),
    );
    expect(rest.Versions?.map(({ Key }) => Key)).toEqual(['d']);
    expect(prefixesOf(rest)).toEqual(['c/']);
  });

  it('needs a key marker beside a version marker', async () => {
    const list = s3.send(new ListObjectVersionsCommand({ Bucket, VersionIdMarker: 'null' }));
    expect(await s3Refusal(list)).toBe('400 InvalidArgument');
  });
});

describe('what Longhorn asks', () => {
  it.each([
    ['its first probe', `/${Bucket}?delimiter=%2F&list-type=2&prefix=%2F`, []],
    ['a folder', `/${Bucket}?delimiter=%2F&list-type=2&prefix=b%2F`, ['b/1', 'b/2']],
    [
      'everything below, with an empty delimiter',
      `/${Bucket}?delimiter=&list-type=2&prefix=b`,
      ['b/1', 'b/2'],
    ],
    ['in version 1', `/${Bucket}?delimiter=%2F&prefix=b%2F`, ['b/1', 'b/2']],
    ['in version 1, after a marker', `/${Bucket}?delimiter=%2F&marker=b%2F1&prefix=b%2F`, ['b/2']],
  ])('%s is answered', async (_name, target, keys) => {
    const reply = await app.raw({ target });
    expect(reply.status).toBe(200);
    expect([...reply.body.matchAll(/<Key>(.*?)<\/Key>/g)].map(([, key]) => key)).toEqual(keys);
    expect(reply.body).toContain('<IsTruncated>false</IsTruncated>');
  });
});
