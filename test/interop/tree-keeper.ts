/** Keeping a tree of files in a bucket: what every client does, and how a library that has no sync of its own does it. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { forEachLimited } from '../../gateway/store/concurrency';
import { treeHashes } from './tree';

/** What any client can do with a whole tree. */
export interface TreeKeeper {
  /** Makes what is stored like the tree. */
  store(tree: string): Promise<void>;
  /** Rejects if the client itself finds a difference. */
  check(tree: string): Promise<void>;
  /** Fetches what is stored into an empty directory. */
  fetch(directory: string): Promise<void>;
  /** Deletes what is stored. */
  remove(): Promise<void>;
}

/** Requests at a time. */
const PARALLEL = 8;

export interface StoredObject {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
}

export interface Library {
  put(key: string, file: string): Promise<void>;
  get(key: string, file: string): Promise<void>;
  list(): Promise<StoredObject[]>;
  /** At most 1,000. */
  delete(keys: readonly string[]): Promise<void>;
}

/** A library has no sync of its own: this is one. */
export function libraryKeeper(library: Library): TreeKeeper {
  const deleteAll = async (keys: readonly string[]): Promise<void> => {
    for (let at = 0; at < keys.length; at += 1_000) await library.delete(keys.slice(at, at + 1_000));
  };
  const names = (tree: string): string[] => Object.keys(treeHashes(tree));
  return {
    async store(tree) {
      const wanted = new Set(names(tree));
      await deleteAll((await library.list()).map(({ key }) => key).filter((key) => !wanted.has(key)));
      await forEachLimited([...wanted], PARALLEL, (name) => library.put(name, join(tree, name)));
    },
    async check(tree) {
      const sizes = Object.fromEntries(names(tree).map((name) => [name, statSync(join(tree, name)).size]));
      const stored = Object.fromEntries((await library.list()).map(({ key, size }) => [key, size]));
      expect(stored).toEqual(sizes);
    },
    async fetch(directory) {
      const objects = await library.list();
      for (const { key } of objects) mkdirSync(dirname(join(directory, key)), { recursive: true });
      await forEachLimited(objects, PARALLEL, ({ key }) => library.get(key, join(directory, key)));
    },
    remove: async () => deleteAll((await library.list()).map(({ key }) => key)),
  };
}
