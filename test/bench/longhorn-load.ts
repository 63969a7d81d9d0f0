/** The requests of a Longhorn backup and restore, made with as little work as can be, so that the gateway is what is measured. */
import { createHash, randomBytes } from 'node:crypto';
import { Agent, request, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { S3Target } from '../support/s3';
import { signRequest } from '../support/sign-request';

export interface Block {
  readonly key: string;
  readonly body: Buffer;
  readonly sha256: string;
}

const EMPTY_SHA256 = createHash('sha256').digest('hex');
/** Different bytes to send; more would only cost memory. */
const BODIES = 8;

/** Keys as Longhorn makes them: below two levels of directories by checksum, so that a backup makes directories all the time. */
export function blocks(count: number, size: number, volume: string): Block[] {
  const bodies = Array.from({ length: Math.min(BODIES, count) }, () => randomBytes(size));
  const hashes = bodies.map((body) => createHash('sha256').update(body).digest('hex'));
  return Array.from({ length: count }, (_, index) => {
    const name = randomBytes(32).toString('hex');
    const directory = `backupstore/volumes/ab/cd/${volume}/blocks/${name.slice(0, 2)}/${name.slice(2, 4)}`;
    const which = index % bodies.length;
    return { key: `${directory}/${name}.blk`, body: bodies[which]!, sha256: hashes[which]! };
  });
}

export class LonghornLoad {
  readonly #agent = new Agent({ keepAlive: true });

  constructor(private readonly target: S3Target) {}

  close(): void {
    this.#agent.destroy();
  }

  /** HEAD, which says that it is absent, then PUT: as a backup does with each block. */
  async backUp(work: readonly Block[], threads: number): Promise<void> {
    await inThreads(work, threads, async (block) => {
      await this.head(block.key, 404);
      await this.put(block);
    });
  }

  async restore(work: readonly Block[], threads: number): Promise<void> {
    await inThreads(work, threads, async ({ key, body }) => {
      const length = await this.get(key);
      if (length !== body.length) throw new Error(`${key} has ${length} of ${body.length} bytes`);
    });
  }

  async head(key: string, expected = 200): Promise<void> {
    await this.#send('HEAD', this.#path(key), expected);
  }

  async put({ key, body, sha256 }: Block): Promise<void> {
    await this.#send('PUT', this.#path(key), 200, { length: body.length, pieces: [body] }, sha256);
  }

  /** One object of a piece many times over, so that a large one needs no memory. */
  async putRepeated(key: string, piece: Buffer, times: number): Promise<void> {
    const hash = createHash('sha256');
    for (let count = 0; count < times; count += 1) hash.update(piece);
    const body = { length: piece.length * times, pieces: Array.from({ length: times }, () => piece) };
    await this.#send('PUT', this.#path(key), 200, body, hash.digest('hex'));
  }

  /** Bytes of the answer. */
  async get(key: string): Promise<number> {
    let received = 0;
    await this.#send('GET', this.#path(key), 200, undefined, EMPTY_SHA256, (piece) => {
      received += piece.length;
    });
    return received;
  }

  async read(key: string): Promise<Buffer> {
    const pieces: Buffer[] = [];
    await this.#send('GET', this.#path(key), 200, undefined, EMPTY_SHA256, (piece) => pieces.push(piece));
    return Buffer.concat(pieces);
  }

  async list(prefix: string): Promise<void> {
    const query = `?delimiter=%2F&list-type=2&prefix=${encodeURIComponent(prefix)}`;
    await this.#send('GET', `/${this.target.bucket}${query}`, 200);
  }

  async remove(key: string): Promise<void> {
    await this.#send('DELETE', this.#path(key), 204);
  }

  #path(key: string): string {
    return `/${this.target.bucket}/${key}`;
  }

  async #send(
    method: string,
    target: string,
    expected: number,
    body?: { readonly length: number; readonly pieces: readonly Buffer[] },
    payloadHash = EMPTY_SHA256,
    onPiece: (piece: Buffer) => void = () => undefined,
  ): Promise<void> {
    const { host, hostname, port } = new URL(this.target.endpoint);
    const { accessKeyId, secretAccessKey } = this.target;
    const { headers } = signRequest(
      { method, target, headers: { host }, payloadHash },
      { accessKeyId, secretAccessKey, at: Date.now() },
    );
    const length = body && { 'content-length': body.length };
    const reply = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { hostname, port, method, path: target, agent: this.#agent };
      const sending = request({ ...options, headers: { ...headers, ...length } }, resolve);
      sending.on('error', reject);
      Readable.from(body?.pieces ?? []).pipe(sending);
    });
    for await (const piece of reply as AsyncIterable<Buffer>) onPiece(piece);
    if (reply.statusCode !== expected) throw new Error(`${method} ${target} got ${reply.statusCode}`);
  }
}

async function inThreads<T>(
  work: readonly T[],
  threads: number,
  act: (item: T) => Promise<void>,
): Promise<void> {
  const queue = work.values();
  await Promise.all(
    Array.from({ length: threads }, async () => {
      for (const item of queue) await act(item);
    }),
  );
}
