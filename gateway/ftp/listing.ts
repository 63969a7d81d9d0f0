/** Directory listings: text to entries, with nothing lost on the way. */
import { parseList } from 'basic-ftp';
import type { RemoteEntry } from './remote-tree';

/** A listing that cannot be trusted to be complete. */
export class ListingError extends Error {
  override readonly name = 'ListingError';
}

/** The server said that it left entries out, as pure-ftpd does past 10,000; asking again does not help. */
export class TruncatedListingError extends ListingError {}

export interface ParsedListing {
  readonly entries: readonly RemoteEntry[];
  /** Whether the directory itself was among the entries: the server really read it. */
  readonly namesItself: boolean;
}

/** Parses what MLSD sent (RFC 3659, section 7). Throws `ListingError` for a line that it cannot read, or one cut short. */
export function parseMlsd(text: string): ParsedListing {
  return collect(text, parseMlsdLine);
}

/** Parses what `LIST -a` sent, in Unix or DOS style. Throws `ListingError` for a line that it cannot read, or one cut short. */
export function parseUnixOrDosList(text: string): ParsedListing {
  return collect(text, parseListLine);
}

/** What one line stands for. */
type Line = RemoteEntry | 'itself' | 'ignored';

function collect(text: string, parseLine: (line: string) => Line): ParsedListing {
  if (text !== '' && !text.endsWith('\n')) throw new ListingError('the listing ends inside a line');
  const entries: RemoteEntry[] = [];
  let namesItself = false;
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === '') continue;
    const parsed = parseLine(line);
    if (parsed === 'itself') namesItself = true;
    else if (parsed !== 'ignored') entries.push(parsed);
  }
  return { entries, namesItself };
}

function parseMlsdLine(line: string): Line {
  const space = line.indexOf(' ');
  if (space < 0) throw unreadable(line);
  const name = line.slice(space + 1);
  const facts = parseFacts(line.slice(0, space));
  const type = facts.get('type')?.toLowerCase();
  if (type === 'cdir' || name === '.') return 'itself';
  if (type === 'pdir' || name === '..') return 'ignored';
  if (type === 'dir') return entry(name, 'directory', undefined, parseFactTime(facts.get('modify')));
  if (type === 'file')
    return entry(name, 'file', parseSize(facts.get('size')), parseFactTime(facts.get('modify')));
  if (type === undefined) throw unreadable(line);
  return 'ignored';
}

function parseFacts(text: string): Map<string, string> {
  const facts = new Map<string, string>();
  for (const fact of text.split(';')) {
    const equals = fact.indexOf('=');
    if (equals > 0) facts.set(fact.slice(0, equals).toLowerCase(), fact.slice(equals + 1));
  }
  return facts;
}

/** `YYYYMMDDHHMMSS[.sss]` in UTC (RFC 3659, section 2.3) to milliseconds. */
function parseFactTime(text: string | undefined): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{1,3}))?/.exec(text ?? '');
  if (!match) return undefined;
  const [year, month, day, hours, minutes, seconds] = match.slice(1, 7).map(Number);
  const milliseconds = Number((match[7] ?? '').padEnd(3, '0'));
  return Date.UTC(year!, month! - 1, day, hours, minutes, seconds, milliseconds);
}

function parseSize(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

// Unix starts a directory's line with `d`; DOS writes <DIR>.
const ITSELF = /^(?:d|.*<DIR>).*\s\.\/?$/i;
const PARENT = /^(?:d|.*<DIR>).*\s\.\.\/?$/i;
/** Links, devices, pipes and sockets. */
const SPECIAL = /^[lbcps]/;

function parseListLine(line: string): Line {
  if (/^total\b/.test(line)) return 'ignored';
  if (ITSELF.test(line)) return 'itself';
  if (PARENT.test(line)) return 'ignored';
  const info = readListLine(line);
  if (!info) throw unreadable(line);
  // LIST gives local time to the minute at best, so no time is better.
  if (info.isDirectory) return entry(info.name, 'directory', undefined, undefined);
  if (info.isFile) return entry(info.name, 'file', info.size, undefined);
  if (!SPECIAL.test(line)) throw unreadable(line);
  return 'ignored';
}

function readListLine(line: string) {
  try {
    return parseList(line)[0];
  } catch {
    return undefined;
  }
}

function entry(
  name: string,
  type: RemoteEntry['type'],
  size: number | undefined,
  modifiedAt: number | undefined,
): RemoteEntry {
  if (name === '' || name.includes('/')) throw unreadable(name);
  return {
    name,
    type,
    ...(size === undefined ? {} : { size }),
    ...(modifiedAt === undefined ? {} : { modifiedAt }),
  };
}

function unreadable(line: string): ListingError {
  return new ListingError(`unreadable listing line: ${JSON.stringify(line.slice(0, 200))}`);
}
