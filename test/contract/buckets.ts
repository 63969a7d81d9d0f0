import type { ObjectStore } from '../../gateway/store/object-store';
import { bodyOf } from './bodies';
import { refusalOf } from './refusal';

/** A store may have this one from the start. */
const STANDING_BUCKET = 'bucket';

const NO_ATTRIBUTES = { headers: {}, metadata: {} };

export function bucketContract(store: () => ObjectStore): void {
  it('are there once created, and only made once', async () => {
    expect(await store().headBucket('alpha')).toBeUndefined();
    expect(await store().createBucket('alpha')).toBe(true);
    expect(await store().createBucket('alpha')).toBe(false);
    expect(await store().headBucket('alpha')).toMatchObject({ name: 'alpha' });
  });

  it('are listed with the time of their creation', async () => {
    const before = Date.now();
    await store().createBucket('beta');
    await store().createBucket('alpha');
    const buckets = (await store().listBuckets()).filter(({ name }) => name !== STANDING_BUCKET);
    expect(buckets.map(({ name }) => name).sort()).toEqual(['alpha', 'beta']);
    for (const { createdAt } of buckets) {
      expect(createdAt).toBeGreaterThanOrEqual(before - 1_000);
      expect(createdAt).toBeLessThanOrEqual(Date.now() + 1_000);
    }
  });

  it('can be deleted when empty, and made again', async () => {
    await store().createBucket('alpha');
    await store().deleteBucket('alpha');
    expect(await store().headBucket('alpha')).toBeUndefined();
    expect((await store().listBuckets()).map(({ name }) => name)).not.toContain('alpha');
    expect(await store().createBucket('alpha')).toBe(true);
  });

  it('cannot be deleted while they hold an object', async () => {
    const ref = { bucket: 'alpha', key: 'deep/below/object' };
    await store().createBucket('alpha');
    await store().put(ref, bodyOf('x'), NO_ATTRIBUTES);
    expect(await refusalOf(store().deleteBucket('alpha'))).toBe('BucketNotEmpty');
    await store().delete(ref);
    await store().deleteBucket('alpha');
    expect(await store().headBucket('alpha')).toBeUndefined();
  });

  it('cannot be deleted while they hold a multipart upload', async () => {
    const ref = { bucket: 'alpha', key: 'object' };
    await store().createBucket('alpha');
    const uploadId = await store().createUpload(ref, NO_ATTRIBUTES);
    expect(await refusalOf(store().deleteBucket('alpha'))).toBe('BucketNotEmpty');
    await store().abortUpload({ ...ref, uploadId });
    await store().deleteBucket('alpha');
  });

  it('that do not exist refuse every operation', async () => {
    const ref = { bucket: 'missing', key: 'object' };
    const query = { prefix: '', delimiter: '', after: '', maxKeys: 10 };
    const refused = 'NoSuchBucket';
    expect(await refusalOf(store().deleteBucket('missing'))).toBe(refused);
    expect(await refusalOf(store().put(ref, bodyOf('x'), NO_ATTRIBUTES))).toBe(refused);
    expect(await refusalOf(store().stat(ref))).toBe(refused);
    expect(await refusalOf(store().open(ref))).toBe(refused);
    expect(await refusalOf(store().delete(ref))).toBe(refused);
    expect(await refusalOf(store().list('missing', query))).toBe(refused);
    expect(await refusalOf(store().createUpload(ref, NO_ATTRIBUTES))).toBe(refused);
    expect(await refusalOf(store().listUploads('missing'))).toBe(refused);
  });

  it('keep their objects apart', async () => {
    for (const bucket of ['alpha', 'alpha-2']) {
      await store().createBucket(bucket);
      await store().put({ bucket, key: 'object' }, bodyOf(bucket), NO_ATTRIBUTES);
    }
    await store().delete({ bucket: 'alpha', key: 'object' });
    expect(await store().stat({ bucket: 'alpha', key: 'object' })).toBeUndefined();
    expect(await store().stat({ bucket: 'alpha-2', key: 'object' })).toMatchObject({ size: 7 });
  });
}
