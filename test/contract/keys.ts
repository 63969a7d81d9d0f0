import fc from 'fast-check';

/** Keys that file systems, URLs or naive stores confuse; all of them legal, all of them different. */
export const NASTY_KEYS: readonly string[] = [
  'a',
  'a/b',
  'a//b',
  'a/',
  'a//',
  '/a',
  '/',
  '//',
  '.',
  '..',
  './x',
  '../x',
  'x/../y',
  'x/./y',
  'A',
  'a b',
  ' a',
  'a ',
  'a%2Fb',
  'a%2fb',
  'a+b',
  'a?b',
  'a#b',
  'a&b=c',
  'a\\b',
  'a*b',
  'a[b]',
  '[b]',
  '-a',
  '~a',
  '"a"',
  "'a'",
  '<a>&',
  'a\tb',
  'a\nb',
  'a\r\nb',
  'a\u0000b',
  'a\u007fb',
  '\u00e9',
  'e\u0301',
  '\u{1f600}',
  '\ue000',
  '\uffff',
  '\u{10ffff}',
  '\u202e',
  'con',
  'NUL.txt',
  '_longhaul',
  '_longhaul/x',
  '.hidden',
  'x'.repeat(255),
  'x'.repeat(1_024),
  'y/'.repeat(512),
  '\u00e9'.repeat(512),
  `${'\u{1f600}'.repeat(255)}abcd`,
  'backupstore/volumes/ab/cd/pvc-1/volume.cfg',
];

const segment = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'b', 'ab', 'a.b', '', '.', '..', 'A', '%2F', ' ') },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 4 }) },
);

/** Short keys with many shared prefixes, and sometimes any Unicode. */
export const keys: fc.Arbitrary<string> = fc
  .array(segment, { minLength: 1, maxLength: 4 })
  .map((segments) => segments.join('/'))
  .filter((key) => key !== '');
