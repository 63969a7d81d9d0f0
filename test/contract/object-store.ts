/** What every ObjectStore does, as tests: run them against an implementation with `objectStoreContract`. */
import type { ObjectStore } from '../../gateway/store/object-store';
import { bucketContract } from './buckets';
import { listContract } from './listing';
import { multipartContract } from './multipart';
import { objectContract } from './objects';

export interface StoreUnderTest {
  /** Empty: no object, and no bucket but perhaps `bucket`. */
  readonly store: ObjectStore;
  close?(): Promise<void>;
}

export interface ContractOptions {
  /** Runs of each property. Default 50; a store with real I/O may want fewer. */
  readonly runs?: number;
}

/** `makeStore` gives a new, empty store for each test. */
export function objectStoreContract(
  name: string,
  makeStore: () => Promise<StoreUnderTest>,
  options: ContractOptions = {},
): void {
  describe(`${name} as an object store`, () => {
    let current: StoreUnderTest;
    beforeEach(async () => {
      current = await makeStore();
    });
    afterEach(async () => {
      await current.close?.();
    });
    const store = (): ObjectStore => current.store;

    describe('buckets', () => bucketContract(store));
    describe('objects', () => objectContract(store, options));
    describe('listing', () => listContract(store, options));
    describe('multipart uploads', () => multipartContract(store));
  });
}
