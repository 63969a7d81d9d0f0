/**
 * Where an object lies on the FTP server: a bijection between S3 names and remote paths, normative text in seal/FORMAT.md, "Names".
 *
 * Longhorn's keys map to themselves. Every other key maps to names of [A-Za-z0-9._%-] of at most 200 bytes, without a dot at
 * either end, since FTP servers hide, glob, trim or recode anything else.
 */

import type { DirectoryOutcome } from '../ftp/remote-tree';
import type { NewDirectory } from './directory';

/** Longest file or directory name, in bytes; file systems stop at 255, some FTP servers earlier. */
const MAX_NAME_BYTES = 200;

/** Ends a piece of a segment that goes on in the next directory level. `%` before a non-hex character never comes from escaping. */
const CONTINUED = '%+';
/** Starts each piece that goes on, so that none starts with a dot. */
const CONTINUATION = '+';
const OBJECT_MARK = '%o';
const DIRECTORY_MARK = '%d';
const PIECE_BYTES = MAX_NAME_BYTES - CONTINUATION.length - CONTINUED.length;

/** A name such as `volume.cfg`: an object carries it bare and a directory marked; any other name is the other way round. */
const HAS_EXTENSION = /\.[A-Za-z][A-Za-z0-9]{0,7}$/;

const utf8 = new TextDecoder('utf-8', { fatal: true });

export interface RemoteName {
  /** The S3 segment, without slashes; may be empty. */
  readonly segment: string;
  readonly kind: 'object' | 'directory';
}

/** The directory levels (usually one) that stand for one key segment that ends in `/`. */
export function directoryNames(segment: string): string[] {
  const escaped = escape(segment);
  return cut(HAS_EXTENSION.test(escaped) || escaped === '' ? escaped + DIRECTORY_MARK : escaped);
}

/** The levels for the last segment of a key: directories, if any, and then the file. */
export function objectNames(segment: string): string[] {
  const escaped = escape(segment);
  return cut(HAS_EXTENSION.test(escaped) ? escaped : escaped + OBJECT_MARK);
}

/** Path of an object below the FTP root, with `/` between the names and none at the start. */
export function objectPath(bucket: string, key: string): string {
  const segments = key.split('/');
  const last = segments.pop() ?? '';
  return [bucket, ...segments.flatMap(directoryNames), ...objectNames(last)].join('/');
}

/** Path of the directory for a key prefix given as its segments. */
export function directoryPath(bucket: string, segments: readonly string[]): string {
  return [bucket, ...segments.flatMap(directoryNames)].join('/');
}

/** Whether this level is only the first piece of a longer name, which goes on inside it. */
export function isContinued(name: string): boolean {
  return name.endsWith(CONTINUED);
}

/**
 * What a listed name stands for, given the levels before it that `isContinued`. Undefined for a name that nothing here writes: a foreign file.
 */
export function parseName(levels: readonly string[], isDirectory: boolean): RemoteName | undefined {
  const joined = levels
    .map((level, i) => level.slice(i === 0 ? 0 : CONTINUATION.length))
    .map((piece) => (isContinued(piece) ? piece.slice(0, -CONTINUED.length) : piece))
    .join('');
  const marked = joined.endsWith(OBJECT_MARK) || joined.endsWith(DIRECTORY_MARK);
  const escaped = marked ? joined.slice(0, -OBJECT_MARK.length) : joined;
  const segment = unescape(escaped);
  if (segment === undefined) return undefined;
  const names = isDirectory ? directoryNames(segment) : objectNames(segment);
  if (names.length !== levels.length || names.some((name, i) => name !== levels[i])) return undefined;
  return { segment, kind: isDirectory ? 'directory' : 'object' };
}

function escape(segment: string): string {
  let out = '';
  const bytes = Buffer.from(segment, 'utf8');
  for (const [i, byte] of bytes.entries()) {
    const char = String.fromCharCode(byte);
    const edgeDot = char === '.' && (i === 0 || i === bytes.length - 1);
    out +=
      /[A-Za-z0-9._-]/.test(char) && !edgeDot ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}

function unescape(escaped: string): string | undefined {
  if (!/^(?:[A-Za-z0-9._-]|%[0-9A-F]{2})*$/.test(escaped)) return undefined;
  const bytes = Buffer.from(
    escaped.replace(/%([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
    'latin1',
  );
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Cuts a name that is too long into levels. A cut never splits an escape or a mark. */
function cut(name: string): string[] {
  const levels: string[] = [];
  let rest = name;
  let lead = '';
  while (lead.length + rest.length > MAX_NAME_BYTES) {
    const escapeStart = rest.lastIndexOf('%', PIECE_BYTES - 1);
    const end = escapeStart > PIECE_BYTES - 3 ? escapeStart : PIECE_BYTES;
    levels.push(lead + rest.slice(0, end) + CONTINUED);
    rest = rest.slice(end);
    lead = CONTINUATION;
  }
  levels.push(lead + rest);
  return levels;
}

/** The levels of the catalog's tree: a long segment takes several directories on the FTP server, and is as new as the last of them. */
export function newLevels(
  segments: readonly string[],
  outcomes: readonly DirectoryOutcome[],
): NewDirectory[] {
  let made = 0;
  return segments.map((name) => {
    made += directoryNames(name).length;
    return { name, proved: outcomes[made - 1] === 'created' };
  });
}
