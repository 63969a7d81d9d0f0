/** Longhorn as it talks to one gateway; its waits for locks are left out. */
import type { Backupstore } from '../support/longhorn/driver';
import { S3Driver, type S3DriverOptions } from '../support/longhorn/s3-driver';
import type { S3Target } from '../support/s3';

export class Longhorn implements Backupstore {
  readonly driver: S3Driver;
  readonly now = Date.now;

  constructor(
    target: S3Target,
    options: Partial<S3DriverOptions> = {},
    readonly threads = 2,
  ) {
    const { endpoint, accessKeyId, secretAccessKey, bucket } = target;
    this.driver = new S3Driver({ endpoint, accessKeyId, secretAccessKey, bucket, ...options });
  }

  sleep(): Promise<void> {
    return Promise.resolve();
  }

  /** The result of `work`, and the requests that it made, by operation. */
  async count<T>(work: () => Promise<T>): Promise<{ result: T; requests: Record<string, number> }> {
    const before = new Map(this.driver.requests);
    const result = await work();
    const requests = [...this.driver.requests]
      .map(([operation, count]) => [operation, count - (before.get(operation) ?? 0)] as const)
      .filter(([, count]) => count > 0);
    return { result, requests: Object.fromEntries(requests) };
  }

  close(): void {
    this.driver.close();
  }
}
