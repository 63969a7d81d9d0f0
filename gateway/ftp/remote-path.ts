/** Paths that may be put into an FTP command. */

// Spaces may stand inside a name, since the directory that the user chose may have them, but not at its ends: pure-ftpd drops a leading one.
const SEGMENT = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/** Throws a `TypeError` unless `path` is absolute, printable ASCII, without empty, `.` and `..` segments. `/` alone is fine. */
export function assertRemotePath(path: string): void {
  if (path === '/') return;
  const [beforeRoot, ...segments] = path.split('/');
  const valid =
    beforeRoot === '' &&
    segments.length > 0 &&
    segments.every((name) => SEGMENT.test(name) && name !== '.' && name !== '..');
  if (!valid) throw new TypeError(`not a remote path: ${JSON.stringify(path)}`);
}

/** The directory that holds `path`; `/` for `/` itself. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}
