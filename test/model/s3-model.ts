/** S3 in memory, as far as a client can know it: what was acknowledged holds, and what failed may have happened or not until somebody sees. */
import { createHash } from 'node:crypto';
import { randomBlock } from '../support/longhorn/block-content';

/** One content of one key. */
export interface Version {
  /** Names the content; never used twice. */
  readonly number: number;
  /** Bytes of each part; for an object that was put as a whole, of the one. */
  readonly sizes: readonly number[];
  readonly isMultipart: boolean;
}

/** What a key may hold; undefined for nothing. */
export type State = Version | undefined;

/** What a reader sees of an object. */
export interface Seen {
  readonly etag: string;
  readonly size: number;
}

export interface Listing {
  /** In the order in which the pages named them. */
  readonly objects: readonly (Seen & { readonly key: string })[];
  readonly commonPrefixes: readonly string[];
}

const md5 = (bytes: Buffer): Buffer => createHash('md5').update(bytes).digest();

export function partsOf({ number, sizes }: Version): Buffer[] {
  const bytes = randomBlock(
    number,
    sizes.reduce((sum, size) => sum + size, 0),
  );
  let at = 0;
  return sizes.map((size) => bytes.subarray(at, (at += size)));
}

function seenOf(version: Version): Seen {
  const parts = partsOf(version);
  const etag = version.isMultipart
    ? `${md5(Buffer.concat(parts.map(md5))).toString('hex')}-${parts.length}`
    : md5(Buffer.concat(parts)).toString('hex');
  return { etag, size: parts.reduce((sum, { length }) => sum + length, 0) };
}

/** Tells states apart, but for objects without a byte. */
export function etagOf(state: State): string | undefined {
  return state && seenOf(state).etag;
}

/** The order of keys and prefixes, written down a second time: that of their UTF-8 bytes. */
const inOrder = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

export class S3Model {
  readonly #possible = new Map<string, readonly State[]>();

  get keys(): string[] {
    return [...this.#possible.keys()];
  }

  states(key: string): readonly State[] {
    return this.#possible.get(key) ?? [undefined];
  }

  /** The request was answered that it is done, or what was done behind the gateway was found. */
  is(key: string, state: State): void {
    this.#possible.set(key, [state]);
  }

  /** The request failed: it may have happened. */
  mayBe(key: string, state: State): void {
    this.#possible.set(key, [...this.states(key), state]);
  }

  /** Throws if the key cannot hold that; from now on it holds just that. */
  observe(key: string, seen: Seen | undefined): void {
    const states = this.states(key);
    const fits = states.find((state) => {
      if (!state || !seen) return state === seen;
      const { etag, size } = seenOf(state);
      return etag === seen.etag && size === seen.size;
    });
    if (!fits && (seen !== undefined || !states.includes(undefined)))
      throw new Error(
        `${key} is ${describeSeen(seen)}, and may only be ${states.map(describe).join(' or ')}`,
      );
    this.is(key, fits);
  }

  /** Throws unless these are the pages that the whole bucket gives; from now on every key that they tell of holds just that. */
  observeListing(
    prefix: string,
    delimiter: string,
    after: string,
    { objects, commonPrefixes }: Listing,
  ): void {
    const hiddenBy = (key: string): string | undefined => {
      const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
      return at < 0 ? undefined : key.slice(0, at + delimiter.length);
    };
    const isAsked = (name: string): boolean => name.startsWith(prefix) && inOrder(name, after) > 0;
    const listed = new Map(objects.map((object) => [object.key, object]));
    for (const key of new Set([...this.keys, ...listed.keys()])) {
      const isListed = listed.has(key);
      const isPlain = isAsked(key) && hiddenBy(key) === undefined;
      if (isPlain) this.observe(key, listed.get(key));
      else if (isListed) throw new Error(`${key} is listed, and does not belong there`);
    }
    const [must, may] = [new Set<string>(), new Set<string>()];
    for (const key of this.keys) {
      const commonPrefix = key.startsWith(prefix) ? hiddenBy(key) : undefined;
      if (commonPrefix === undefined || !isAsked(commonPrefix)) continue;
      if (this.states(key).some(Boolean)) may.add(commonPrefix);
      if (!this.states(key).includes(undefined)) must.add(commonPrefix);
    }
    for (const each of commonPrefixes) if (!may.has(each)) throw new Error(`${each} has nothing below it`);
    for (const each of must) if (!commonPrefixes.includes(each)) throw new Error(`${each} is not listed`);
    for (const names of [objects.map(({ key }) => key), commonPrefixes])
      if (names.join('\n') !== [...new Set(names)].sort(inOrder).join('\n'))
        throw new Error(`the pages name ${JSON.stringify(names)}, in this order`);
  }
}

function describe(state: State): string {
  return state ? `version ${state.number} (${describeSeen(seenOf(state))})` : 'absent';
}

function describeSeen(seen: Seen | undefined): string {
  return seen ? `${seen.size} bytes of ${seen.etag}` : 'absent';
}
