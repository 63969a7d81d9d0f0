import fc from 'fast-check';
import { assertRemotePath, parentOf } from '../../../gateway/ftp/remote-path';

const segment = fc.stringMatching(/^[\x21-\x7e]{1,20}$/).filter((name) => !/^\.{1,2}$|\//.test(name));
const path = fc.array(segment, { minLength: 1 }).map((segments) => `/${segments.join('/')}`);

describe('remote path', () => {
  it('may be any absolute path of printable names', () => {
    fc.assert(
      fc.property(path, (value) => {
        expect(() => assertRemotePath(value)).not.toThrow();
      }),
    );
    expect(() => assertRemotePath('/')).not.toThrow();
    expect(() => assertRemotePath('/My Backups/of home')).not.toThrow();
  });

  it('never holds a control character', () => {
    fc.assert(
      fc.property(path, fc.constantFrom('\r', '\n', '\0', '\t', '\x7f', 'é'), fc.nat(), (value, bad, at) => {
        const index = 1 + (at % value.length);
        expect(() => assertRemotePath(value.slice(0, index) + bad + value.slice(index))).toThrow(TypeError);
      }),
    );
  });

  it.each(['', 'a', 'a/b', '//', '/a/', '/a//b', '/.', '/a/..', '/../a', '/ a', '/a /b'])(
    'is not %j',
    (value) => {
      expect(() => assertRemotePath(value)).toThrow(TypeError);
    },
  );

  it('lies in its parent', () => {
    expect(parentOf('/a/b/c')).toBe('/a/b');
    expect(parentOf('/a')).toBe('/');
    expect(parentOf('/')).toBe('/');
  });
});
