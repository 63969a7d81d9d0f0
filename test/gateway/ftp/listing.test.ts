import fc from 'fast-check';
import { ListingError, parseMlsd, parseUnixOrDosList } from '../../../gateway/ftp/listing';

const name = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9 ._-]{0,40}[A-Za-z0-9]$/);
const size = fc.nat({ max: 2 ** 40 });

describe('MLSD listing', () => {
  it('gives files and directories with their facts, in any case and order', () => {
    const text = [
      'type=cdir;modify=20261123101112; .',
      'type=pdir;modify=20261123101112; ..',
      'Size=42;Modify=20261123101112.5;Type=File;UNIX.mode=0644; a file',
      'modify=20261123101112;perm=flcdmpe;type=dir;size=4096; directory',
      'type=OS.unix=slink:/etc/passwd;size=3; link',
      '',
    ].join('\r\n');
    expect(parseMlsd(text)).toEqual({
      namesItself: true,
      entries: [
        { name: 'a file', type: 'file', size: 42, modifiedAt: Date.UTC(2026, 10, 23, 10, 11, 12, 500) },
        { name: 'directory', type: 'directory', modifiedAt: Date.UTC(2026, 10, 23, 10, 11, 12) },
      ],
    });
  });

  it('loses no file', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(name, size)), (files) => {
        const text = files.map(([file, bytes]) => `type=file;size=${bytes}; ${file}\r\n`).join('');
        expect(parseMlsd(text).entries.map((entry) => [entry.name, entry.size])).toEqual(files);
      }),
    );
  });

  it('says that the directory itself was not named', () => {
    expect(parseMlsd('')).toEqual({ entries: [], namesItself: false });
    expect(parseMlsd('type=file;size=1; a\r\n').namesItself).toBe(false);
  });

  it.each([
    ['a line cut short', 'type=file;size=1; a\r\ntype=file;si'],
    ['a whole line without its end', 'type=file;size=1; a'],
    ['a line without a name', 'type=file;size=1;\r\n'],
    ['an empty name', 'type=file;size=1; \r\n'],
    ['a line without a type', 'size=1; a\r\n'],
    ['a path for a name', 'type=file;size=1; a/b\r\n'],
    ['an error message', 'Permission denied\r\n'],
  ])('rejects %s', (_name, text) => {
    expect(() => parseMlsd(text)).toThrow(ListingError);
  });
});

describe('LIST -a listing', () => {
  it('reads the style of Unix', () => {
    const text = [
      'total 8',
      'drwxr-xr-x    3 1        1            4096 Nov 24 02:14 .',
      'drwxr-xr-x    3 0        0            4096 Nov 24 02:14 ..',
      '-rw-r--r--    1 1        1              17 Nov 24 02:14 a file',
      '-rw-r--r--    1 1        1      5368709120 Jan 03  2025 large',
      'drwxr-xr-x    2 user     group        4096 Nov 24 02:14 directory',
      'lrwxrwxrwx    1 1        1              11 Nov 24 02:14 link -> /etc/passwd',
      '',
    ].join('\r\n');
    expect(parseUnixOrDosList(text)).toEqual({
      namesItself: true,
      entries: [
        { name: 'a file', type: 'file', size: 17 },
        { name: 'large', type: 'file', size: 5_368_709_120 },
        { name: 'directory', type: 'directory' },
      ],
    });
  });

  it('reads the style of DOS', () => {
    const text =
      '11-24-26  02:14AM       <DIR>          directory\r\n11-24-26  02:14AM                   17 a file\r\n';
    expect(parseUnixOrDosList(text)).toEqual({
      namesItself: false,
      entries: [
        { name: 'directory', type: 'directory' },
        { name: 'a file', type: 'file', size: 17 },
      ],
    });
  });

  it('loses no file', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(name, size)), (files) => {
        const text = files
          .map(([file, bytes]) => `-rw-r--r--    1 ftp      ftp      ${bytes} Nov 24 02:14 ${file}\r\n`)
          .join('');
        expect(parseUnixOrDosList(text).entries.map((entry) => [entry.name, entry.size])).toEqual(files);
      }),
    );
  });

  it.each([
    ['a line cut short', '-rw-r--r--    1 1        1              17 Nov'],
    ['an unreadable line among others', 'garbage\r\n-rw-r--r--    1 1        1     17 Nov 24 02:14 a\r\n'],
    ['a line that starts with a space', ' a file name\r\n'],
    ['an error message', 'ls: cannot open directory: Permission denied\r\n'],
  ])('rejects %s', (_name, text) => {
    expect(() => parseUnixOrDosList(text)).toThrow(ListingError);
  });

  it('does not take a file whose name ends in a dot for the directory itself', () => {
    expect(parseUnixOrDosList('-rw-r--r--    1 1   1    17 Nov 24 02:14 a .\r\n').namesItself).toBe(false);
  });
});
