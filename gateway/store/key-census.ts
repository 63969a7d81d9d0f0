/** Counts what depends on which key, as the catalog knows it. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { headerKeyId } from '../seal/header';
import type { Catalog } from './catalog';
import type { Directory } from './directory';
import { PLAIN, type SealedBy } from './key-check';
import type { FileRecord, ObjectRecord, StoredPart } from './object-record';

/** Rows looked at before requests get their turn. */
const ROWS_A_TURN = 1000;

export interface KeyUse {
  /** Objects whose own file is sealed with it. */
  objects: number;
  /** Parts of multipart objects and of uploads in progress. */
  parts: number;
  /** Plaintext bytes of both. */
  bytes: number;
}

export interface KeyCensus {
  /** By key id, or `plain`. */
  readonly uses: ReadonlyMap<SealedBy, Readonly<KeyUse>>;
  /** Files in the place of objects that are no whole objects: only they themselves can tell what they are sealed with. */
  readonly unreadable: readonly CatalogFile[];
  /** Directories that were not compared with the FTP server in this epoch: while there are some, there may be more than was counted. */
  readonly unproved: number;
}

export interface CatalogFile {
  readonly directory: Directory;
  readonly name: string;
  readonly record: FileRecord;
}

/** `enter` is called before a directory is looked into, and may prove it. */
export async function takeCensus(
  catalog: Catalog,
  enter?: (directory: Directory) => Promise<void>,
): Promise<KeyCensus> {
  const uses = new Map<SealedBy, KeyUse>();
  const unreadable: CatalogFile[] = [];
  const add = (sealedBy: SealedBy, more: Partial<KeyUse>): void => {
    const { objects, parts, bytes } = uses.get(sealedBy) ?? { objects: 0, parts: 0, bytes: 0 };
    uses.set(sealedBy, {
      objects: objects + (more.objects ?? 0),
      parts: parts + (more.parts ?? 0),
      bytes: bytes + (more.bytes ?? 0),
    });
  };
  const addParts = (parts: readonly StoredPart[]): void => {
    for (const part of parts) add(partSealedBy(part), { parts: 1, bytes: part.size });
  };
  let unproved = 0;
  for await (const { directory, files } of directoriesOf(catalog, enter)) {
    if (!catalog.isProved(directory)) unproved += 1;
    for (const file of files) {
      const { record } = file;
      if (record.kind === 'unreadable') {
        unreadable.push(file);
        continue;
      }
      add(objectSealedBy(record), { objects: 1, bytes: record.parts ? 0 : record.size });
      addParts(record.parts ?? []);
    }
  }
  for (const { uploadId, completed } of catalog.multipart.uploads()) {
    if (completed === undefined) addParts(catalog.multipart.parts(uploadId));
  }
  return { uses, unreadable, unproved };
}

/** Every directory of every bucket with the files in it, parents first; `enter` is called before a directory is looked into. Requests get their turn in between. */
export async function* directoriesOf(
  catalog: Catalog,
  enter?: (directory: Directory) => Promise<void>,
): AsyncGenerator<{ directory: Directory; files: CatalogFile[] }> {
  const pending = catalog.buckets().flatMap(({ name }) => catalog.root(name) ?? []);
  let rows = 0;
  for (let directory = pending.pop(); directory; directory = pending.pop()) {
    const files: CatalogFile[] = [];
    await enter?.(directory);
    for (const child of catalog.children(directory)) {
      if (child.kind === 'directory') pending.push(child.directory);
      else files.push({ directory, name: child.name, record: child.record });
      rows += 1;
    }
    yield { directory, files };
    if (rows < ROWS_A_TURN) continue;
    rows = 0;
    await nextTurn();
  }
}

export function objectSealedBy({ header }: ObjectRecord): SealedBy {
  return header ? headerKeyId(header) : PLAIN;
}

export function partSealedBy({ header }: StoredPart): SealedBy {
  return header === undefined ? PLAIN : headerKeyId(Buffer.from(header, 'base64'));
}
