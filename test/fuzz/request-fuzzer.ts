/** Makes requests that are almost right: good ones of every kind, damaged before they are signed, after, or both. */
import { createHash } from 'node:crypto';
import { signRequest, sha256Hex, type Signer } from '../support/sign-request';
import type { SeededRandom } from '../chaos/random';
import { HEADERS, SEEDS, TOKENS, type Seed } from './dictionary';

export class RequestFuzzer {
  constructor(
    private readonly random: SeededRandom,
    private readonly signer: Signer,
  ) {}

  /** A whole request as bytes, or what is left of one. */
  next(): Buffer {
    const { random } = this;
    const seed = this.pick(SEEDS);
    const times = random.weighted([
      [1, 0],
      [4, 1],
      [2, 3],
    ]);
    const damaged = Array.from({ length: times }).reduce<Seed>((request) => this.damage(request), seed);
    const bytes = this.serialize(damaged);
    return random.chance(0.3) ? this.damageBytes(bytes) : bytes;
  }

  /** One change that its signature will cover. */
  private damage(request: Seed): Seed {
    const { headers = {}, body = Buffer.alloc(0) } = request;
    const changes: readonly (readonly [number, () => Seed])[] = [
      [3, () => ({ ...request, target: this.damageText(request.target) })],
      [
        1,
        () => ({
          ...request,
          method: this.pick(['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS', 'PATCH']),
        }),
      ],
      [3, () => ({ ...request, headers: { ...headers, [this.pick(HEADERS)]: this.damageText('') } })],
      [2, () => ({ ...request, headers: this.damageOne(headers) })],
      [body.length > 0 ? 5 : 1, () => ({ ...request, body: this.damageBytes(body) })],
      [1, () => ({ ...request, payloadHash: this.damageText('STREAMING-AWS4-HMAC-SHA256-PAYLOAD') })],
      [1, () => ({ ...request, body: Buffer.from('<a>'.repeat(this.random.integer(1, 3_000))) })],
    ];
    return this.random.weighted(changes)();
  }

  private damageOne(headers: Readonly<Record<string, string>>): Record<string, string> {
    const names = Object.keys(headers);
    if (names.length === 0) return { ...headers };
    const name = this.pick(names);
    return { ...headers, [name]: this.damageText(headers[name] ?? '') };
  }

  private damageText(text: string): string {
    const { random } = this;
    const at = random.integer(0, text.length);
    const token = this.pick(TOKENS).repeat(random.chance(0.03) ? random.integer(1, 3_000) : 1);
    return random.chance(0.7) ? text.slice(0, at) + token + text.slice(at) : text.slice(0, at) + token;
  }

  private damageBytes(bytes: Buffer): Buffer {
    const { random } = this;
    const at = random.integer(0, bytes.length);
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    const changes: readonly (readonly [number, () => Buffer])[] = [
      [3, () => Buffer.concat([before, Buffer.from(this.pick(TOKENS), 'latin1'), after])],
      [2, () => Buffer.concat([before, Buffer.from([random.integer(0, 255)]), after.subarray(1)])],
      [1, () => before],
      [1, () => Buffer.concat([before, after.subarray(random.integer(0, Math.min(after.length, 40)))])],
      [1, () => Buffer.concat([before, after.subarray(0, 40), after])],
    ];
    return random.weighted(changes)();
  }

  private serialize(request: Seed): Buffer {
    const { method, target, headers = {}, body = Buffer.alloc(0), chunked = false } = request;
    const payloadHash = chunked
      ? 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'
      : (request.payloadHash ?? sha256Hex(body));
    const framing = { 'content-encoding': 'aws-chunked', 'x-amz-decoded-content-length': `${body.length}` };
    const all = {
      host: 'localhost',
      ...(chunked && framing),
      ...headers,
      ...(headers['content-md5'] === '' && { 'content-md5': md5Base64(body) }),
    };
    const { headers: signed, content } = this.sign(
      { method, target, headers: all, payloadHash },
      body,
      chunked,
    );
    const length =
      'content-length' in signed || 'transfer-encoding' in signed
        ? {}
        : { 'content-length': `${content.length}` };
    const lines = Object.entries({ ...signed, ...length }).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`;
    return Buffer.concat([Buffer.from(head, 'latin1'), content]);
  }

  /** What cannot be signed goes out as it is. */
  private sign(
    request: { method: string; target: string; headers: Record<string, string>; payloadHash: string },
    body: Buffer,
    chunked: boolean,
  ): { headers: Readonly<Record<string, string>>; content: Buffer } {
    try {
      const { headers, signChunk } = signRequest(request, { ...this.signer, at: Date.now() });
      if (!chunked) return { headers, content: body };
      const chunk = (bytes: Buffer): Buffer =>
        Buffer.concat([
          Buffer.from(`${bytes.length.toString(16)};chunk-signature=${signChunk(bytes)}\r\n`),
          bytes,
          Buffer.from('\r\n'),
        ]);
      return { headers, content: Buffer.concat([chunk(body), chunk(Buffer.alloc(0))]) };
    } catch {
      return { headers: request.headers, content: body };
    }
  }

  private pick<T>(values: readonly T[]): T {
    return values[this.random.integer(0, values.length - 1)] as T;
  }
}

function md5Base64(body: Buffer): string {
  return createHash('md5').update(body).digest('base64');
}
