/** The S3 side of the gateway over a store in memory, as a process that dies of any error that nobody handles. Started by `VictimProcess`. */
import { randomUUID } from 'node:crypto';
import { startApp, TEST_BUCKET } from '../support/app-server';
import type { Measure, Order } from './victim-process';

async function main(): Promise<void> {
  const app = await startApp({ refusalPace: { delayMs: 0 } });
  const { store } = app;
  process.on('message', (order: Order) => {
    if (order === 'stop') process.exit(0);
    void empty().then(() => {
      global.gc?.();
      const { heapUsed, external } = process.memoryUsage();
      process.send?.({ memoryBytes: heapUsed + external } satisfies Measure);
    });
  });
  process.send?.({ port: app.port, signer: app.signer });

  /** What is stored is no leak; neither is what the rig itself keeps. */
  async function empty(): Promise<void> {
    for (const { name } of await store.listBuckets()) {
      for (const upload of await store.listUploads(name)) await store.abortUpload(upload);
      const everything = { prefix: '', delimiter: '', after: '', maxKeys: 1_000 };
      for (let page = await store.list(name, everything); page.objects.length > 0;) {
        for (const { key } of page.objects) await store.delete({ bucket: name, key });
        page = await store.list(name, everything);
      }
      await store.deleteBucket(name);
    }
    await store.createBucket(TEST_BUCKET);
    await store.put(
      { bucket: TEST_BUCKET, key: 'object' },
      {
        size: 36,
        replayable: true,
        async *open() {
          yield await Promise.resolve(Buffer.from(randomUUID()));
        },
        digests: () => ({ md5: Buffer.alloc(16) }),
      },
      { headers: {}, metadata: {} },
    );
    app.records.length = 0;
    app.logLines.length = 0;
  }
}

void main();
