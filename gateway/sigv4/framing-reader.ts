/** Takes lines and runs of bytes from a stream of Buffers of any size, without copying the bytes. */
import { S3Error } from '../errors';

export class FramingReader {
  readonly #iterator: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);
  #ended = false;

  constructor(source: AsyncIterable<Buffer>) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  /** The next line, without its CRLF. Throws `IncompleteBody` if there is none of at most `maxSize` bytes, CRLF included. */
  async line(maxSize: number): Promise<string> {
    let line = '';
    for (let ended = false; !ended; ended = line.endsWith('\n')) {
      if (!(await this.#fill())) throw new S3Error('IncompleteBody');
      const lineFeed = this.#rest.indexOf(LINE_FEED);
      const piece = this.#take(lineFeed < 0 ? this.#rest.length : lineFeed + 1);
      if (line.length + piece.length > maxSize) throw brokenFraming();
      line += piece.toString('latin1');
    }
    if (!line.endsWith('\r\n')) throw brokenFraming();
    return line.slice(0, -2);
  }

  /** Exactly `size` bytes, in pieces. Throws `IncompleteBody`. */
  async *bytes(size: number): AsyncGenerator<Buffer> {
    for (let missing = size; missing > 0;) {
      if (!(await this.#fill())) throw new S3Error('IncompleteBody');
      const piece = this.#take(missing);
      missing -= piece.length;
      yield piece;
    }
  }

  /** Everything up to the end. Throws `IncompleteBody` if that is more than `maxSize` bytes. */
  async remainder(maxSize: number): Promise<string> {
    let text = '';
    while (await this.#fill()) {
      if (text.length + this.#rest.length > maxSize) throw brokenFraming();
      text += this.#take(this.#rest.length).toString('latin1');
    }
    return text;
  }

  /** Tells the source that no more is wanted. */
  async close(): Promise<void> {
    if (!this.#ended) await this.#iterator.return?.();
    this.#ended = true;
  }

  /** Whether there is another byte; waits for it. */
  async #fill(): Promise<boolean> {
    while (this.#rest.length === 0 && !this.#ended) {
      this.#ended = true; // So it has if the source fails.
      const next = await this.#iterator.next();
      if (next.done === true) break;
      this.#ended = false;
      this.#rest = next.value;
    }
    return this.#rest.length > 0;
  }

  #take(maxSize: number): Buffer {
    const piece = this.#rest.subarray(0, maxSize);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }
}

const LINE_FEED = 0x0a;

/** S3 gives this code for framing that it cannot follow, too. */
export function brokenFraming(): S3Error {
  return new S3Error('IncompleteBody', { message: 'The framing of the aws-chunked body is broken.' });
}
