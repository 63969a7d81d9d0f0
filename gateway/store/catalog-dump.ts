/**
 * The rows of a catalog as a stream of bytes, and back. What is written is one state of the catalog, whatever changes meanwhile.
 *
 *     frame      kind 1 | length 4 | payload
 *     kind 1     JSON of `DumpHead`; the first frame
 *     kind 2     rows of the tree, in order: key length 2 | value length 4 | key | value, ...
 *     kind 3     JSON of rows of the other databases: [database, key, value], ...
 *     kind 4     number of the rows, 4 bytes; the last frame
 */

import { ByteReader } from '../seal/byte-reader';
import type { CatalogEnvironment } from './catalog-environment';
import { CatalogDamagedError, messageOf } from './catalog-error';

const FORMAT = 1;
const KIND = { head: 1, tree: 2, other: 3, end: 4 } as const;
const FRAME_HEAD = 5;
const ROW_HEAD = 6;
/** No frame is longer: it has one slice of rows, and a row at most 10,000 parts. */
const MAX_FRAME = 64 * 2 ** 20;
const OTHERS = ['buckets', 'proofs', 'findings', 'intents', 'uploads', 'parts'] as const;
/** Rows read, or written, before others get their turn. */
const SLICE = 2_000;
const WRITE_SLICE = 20_000;

export interface DumpHead<State> {
  readonly format: number;
  readonly state: State;
}

/** @param state goes with the rows, and is given back by `readDump` */
export async function* writeDump(environment: CatalogEnvironment, state: unknown): AsyncGenerator<Buffer> {
  const snapshot = environment.root.useReadTransaction();
  try {
    yield frame(KIND.head, Buffer.from(JSON.stringify({ format: FORMAT, state })));
    let count = 0;
    let slice: Buffer[] = [];
    for (const { key, value } of environment.rows<Buffer, Buffer>('tree', snapshot)) {
      const lengths = Buffer.allocUnsafe(ROW_HEAD);
      lengths.writeUInt16BE(key.length);
      lengths.writeUInt32BE(value.length, 2);
      slice.push(lengths, key, value);
      count += 1;
      if (count % SLICE > 0) continue;
      yield frame(KIND.tree, Buffer.concat(slice));
      slice = [];
      await new Promise(setImmediate);
    }
    yield frame(KIND.tree, Buffer.concat(slice));
    for (const name of OTHERS) {
      let rows: unknown[] = [];
      const flush = (): Buffer => frame(KIND.other, Buffer.from(JSON.stringify(rows)));
      for (const { key, value } of environment.rows<unknown, unknown>(name, snapshot)) {
        rows.push([name, key, value]);
        count += 1;
        if (rows.length < SLICE) continue;
        yield flush();
        rows = [];
        await new Promise(setImmediate);
      }
      if (rows.length > 0) yield flush();
    }
    const end = Buffer.allocUnsafe(4);
    end.writeUInt32BE(count);
    yield frame(KIND.end, end);
  } finally {
    snapshot.done();
  }
}

/**
 * Fills an empty environment, and returns the state; undefined if `isWanted`, which may empty it, says no to that.
 * Throws `CatalogDamagedError` for what is not a whole dump; rows may have been written by then.
 */
export async function readDump<State>(
  environment: CatalogEnvironment,
  source: AsyncIterable<Buffer>,
  isWanted: (state: State) => Promise<boolean>,
): Promise<State | undefined> {
  const reader = new ByteReader(source);
  const head = await readFrame(reader);
  const { format, state } = parse(head.payload) as DumpHead<State>;
  if (head.kind !== KIND.head || format !== FORMAT)
    throw new CatalogDamagedError(`the dump is of format ${String(format)}, not ${FORMAT}`);
  if (!(await isWanted(state))) {
    await reader.close();
    return undefined;
  }
  let [count, writes]: [number, Promise<unknown>[]] = [0, []];
  for (;;) {
    const { kind, payload } = await readFrame(reader);
    if (kind === KIND.tree) {
      for (const [key, value] of rowsOf(payload)) {
        // In order, so that pages are filled.
        writes.push(environment.append('tree', key, value));
        count += 1;
      }
    } else if (kind === KIND.other) {
      const rows = parse(payload) as [string, unknown, unknown][];
      for (const [name, key, value] of rows) writes.push(environment.put(name, key, value));
      count += rows.length;
    } else if (kind === KIND.end) {
      await environment.write(...writes);
      if (payload.readUInt32BE() !== count) throw new CatalogDamagedError('the dump has lost rows');
      return state;
    } else {
      throw new CatalogDamagedError(`the dump has a frame of kind ${kind}`);
    }
    if (writes.length < WRITE_SLICE) continue;
    await environment.write(...writes);
    writes = [];
  }
}

function* rowsOf(payload: Buffer): Generator<[key: Buffer, value: Buffer]> {
  for (let at = 0; at < payload.length;) {
    const keyEnd = at + ROW_HEAD + payload.readUInt16BE(at);
    const end = keyEnd + payload.readUInt32BE(at + 2);
    if (end > payload.length)
      throw new CatalogDamagedError('the dump has a row that goes on after its frame');
    yield [payload.subarray(at + ROW_HEAD, keyEnd), payload.subarray(keyEnd, end)];
    at = end;
  }
}

function frame(kind: number, payload: Buffer): Buffer {
  const head = Buffer.allocUnsafe(FRAME_HEAD);
  head.writeUInt8(kind);
  head.writeUInt32BE(payload.length, 1);
  return Buffer.concat([head, payload]);
}

async function readFrame(reader: ByteReader): Promise<{ kind: number; payload: Buffer }> {
  const head = await reader.takeBuffer(FRAME_HEAD);
  const length = head.length === FRAME_HEAD ? head.readUInt32BE(1) : Infinity;
  if (length > MAX_FRAME) throw new CatalogDamagedError('the dump ends too early, or is not one');
  const payload = await reader.takeBuffer(length);
  if (payload.length < length) throw new CatalogDamagedError('the dump ends too early');
  return { kind: head.readUInt8(), payload };
}

function parse(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8'));
  } catch (cause) {
    throw new CatalogDamagedError(`the dump cannot be read: ${messageOf(cause)}`, { cause });
  }
}
