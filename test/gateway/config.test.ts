import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../../gateway/config';
import { ConfigError } from '../../gateway/config-error';
import { serverCertificate } from '../support/ftp-servers/certificate';

const good = {
  FTP_HOST: 'ftp.example.com',
  FTP_USER: 'u123',
  FTP_PASSWORD: 'p@ss word',
  S3_ACCESS_KEY: 'longhorn',
  S3_SECRET_KEY: 'secret-of-8',
};

function problemsOf(env: Record<string, string | undefined>): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('gateway configuration', () => {
  it('needs five variables and gives the rest safe values', () => {
    expect(readConfig(good)).toMatchObject({
      ftp: {
        host: 'ftp.example.com',
        port: 21,
        root: '/',
        tls: 'explicit',
        connections: 4,
        retryMs: 300_000,
      },
      s3: { port: 9000, bucket: 'longhorn-backups' },
      segmentLog2: 18,
    });
    expect(readConfig(good).encryptionKeys).toBeUndefined();
  });

  it('reports every problem at once, each with its variable', () => {
    const problems = problemsOf({
      FTP_PORT: '70000',
      FTP_TLS: 'ssl',
      ENCRYPTION_KEY: 'abc',
      S3_SECRET_KEY: 'short',
    });
    expect(problems.map((p) => p.split(' ')[0]).sort()).toEqual([
      'ENCRYPTION_KEY',
      'FTP_HOST',
      'FTP_PASSWORD',
      'FTP_PORT',
      'FTP_TLS',
      'FTP_USER',
      'S3_ACCESS_KEY',
      'S3_SECRET_KEY',
    ]);
  });

  it.each([
    ['FTP_HOST', 'ftp://ftp.example.com', /host name or address without scheme/],
    ['FTP_PORT', '0', /whole number from 1 to 65535/],
    ['FTP_PORT', '2l', /whole number from 1 to 65535/],
    ['FTP_TLS', 'starttls', /one of explicit, implicit, off/],
    ['FTP_ROOT_PATH', '/a/../b', /without `.` or `..` segments/],
    ['FTP_ROOT_PATH', '/backupé', /printable ASCII/],
    ['FTP_CA_FILE', '/does/not/exist', /cannot be read \(ENOENT\)/],
    ['FTP_USER', 'a\nb', /control character/],
    ['S3_BUCKET', 'No', /a bucket name/],
    ['S3_ACCESS_KEY', 'ab', /3 to 128/],
    ['SEGMENT_SIZE_KIB', '100', /power of two/],
    ['LOG_LEVEL', 'loud', /fatal, error/],
    ['ENCRYPTION_KEY', 'z'.repeat(64), /64 hex digits/],
    ['ENCRYPTION_KEY', 'ab'.repeat(31), /found 62 characters/],
  ])('refuses %s=%s', (name, value, message) => {
    const problems = problemsOf({ ...good, [name]: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(message);
    expect(problems[0]).toContain(name);
  });

  it('takes keys that only open from a list and from a directory such as a mounted Secret', () => {
    const directory = mkdtempSync(join(tmpdir(), 'longhaul-keys-'));
    mkdirSync(join(directory, '..data'));
    writeFileSync(join(directory, 'old'), `${'c'.repeat(64)}\n`);
    const { encryptionKeys } = readConfig({
      ...good,
      ENCRYPTION_KEY: 'a'.repeat(64),
      ENCRYPTION_KEYS: `${'b'.repeat(64)}, ${'B'.repeat(64)}`,
      ENCRYPTION_KEYS_DIR: directory,
    });
    expect(encryptionKeys?.writeKey).toEqual(Buffer.alloc(32, 0xaa));
    expect(encryptionKeys?.readKeys).toEqual([0xbb, 0xbb, 0xcc].map((byte) => Buffer.alloc(32, byte)));
    writeFileSync(join(directory, 'short'), 'c0ffee');
    const problems = problemsOf({ ...good, ENCRYPTION_KEY: 'a'.repeat(64), ENCRYPTION_KEYS_DIR: directory });
    expect(problems).toEqual([
      'ENCRYPTION_KEYS_DIR has a file short that holds no key: expected 64 hex digits, found 6 characters',
    ]);
    rmSync(directory, { recursive: true });
  });

  it.each([
    ['ENCRYPTION_KEYS', `${'a'.repeat(64)};${'b'.repeat(64)}`, /keys of 64 hex digits, with commas/],
    ['ENCRYPTION_KEYS_DIR', '/does/not/exist', /cannot be read \(ENOENT\)/],
  ])('refuses a bad %s, and a good one without the key that seals', (name, value, message) => {
    const problems = problemsOf({ ...good, ENCRYPTION_KEY: 'a'.repeat(64), [name]: value });
    expect(problems).toEqual([expect.stringMatching(message)]);
    expect(problems[0]).toContain(name);
    expect(problems[0]).not.toMatch(/[ab]{8}/);
    const alone = problemsOf({ ...good, [name]: name === 'ENCRYPTION_KEYS' ? 'a'.repeat(64) : tmpdir() });
    expect(alone).toEqual([expect.stringMatching(`${name} is set without ENCRYPTION_KEY`)]);
  });

  it.each(Object.keys(good).concat('ENCRYPTION_KEY'))(
    'refuses a newline around %s with a hint, without showing the value',
    (name) => {
      const value = 'ab'.repeat(32);
      const [problem, ...others] = problemsOf({ ...good, [name]: `${value}\n` });
      expect(others).toEqual([]);
      expect(problem).toMatch(/blank or a newline at its start or end .*printf/);
      expect(problem).not.toContain(value);
    },
  );

  it('never shows a secret', () => {
    const secret = 's3cr3t-value-that-must-not-show';
    const message = problemsOf({
      ...good,
      FTP_PASSWORD: `${secret}\x07`,
      S3_SECRET_KEY: `\t${secret}`,
      ENCRYPTION_KEY: secret,
    }).join();
    expect(message).toMatch(/ENCRYPTION_KEY.*FTP_PASSWORD.*S3_SECRET_KEY/s);
    expect(message).not.toContain(secret);
  });

  it.each([
    ['Homelab', '/Homelab'],
    ['/Homelab/', '/Homelab'],
    ['//a//b', '/a/b'],
    ['/', '/'],
  ])('takes %s as the root %s', (given, root) => {
    expect(readConfig({ ...good, FTP_ROOT_PATH: given }).ftp.root).toBe(root);
  });

  it('expects implicit TLS on port 990', () => {
    expect(readConfig({ ...good, FTP_TLS: 'implicit' }).ftp.port).toBe(990);
  });

  it('takes more access keys, each by its name, with rights and perhaps buckets', () => {
    const { accessKeys } = readConfig({
      ...good,
      S3_ACCESS_KEY_RESTIC: 'restic-key',
      S3_SECRET_KEY_RESTIC: 'restic-secret',
      S3_RIGHTS_RESTIC: 'write-without-delete',
      S3_BUCKETS_RESTIC: 'restic,media.files',
      S3_ACCESS_KEY_2: 'second-key',
      S3_SECRET_KEY_2: 'second-secret',
      S3_RIGHTS_2: 'read-only',
      S3_RIGHTS_UNUSED: '',
    }).s3;
    expect(accessKeys).toEqual([
      { name: 'default', accessKeyId: 'longhorn', secretAccessKey: 'secret-of-8', rights: 'read-write' },
      { name: '2', accessKeyId: 'second-key', secretAccessKey: 'second-secret', rights: 'read-only' },
      {
        name: 'restic',
        accessKeyId: 'restic-key',
        secretAccessKey: 'restic-secret',
        rights: 'write-without-delete',
        buckets: ['restic', 'media.files'],
      },
    ]);
  });

  it.each([
    [
      { S3_RIGHTS_A: undefined },
      [/^S3_RIGHTS_A is not set: expected one of read-write, write-without-delete, read-only/],
    ],
    [{ S3_RIGHTS_A: 'readonly' }, [/^S3_RIGHTS_A is not valid: expected one of read-write/]],
    [{ S3_SECRET_KEY_A: undefined }, [/^S3_SECRET_KEY_A is not set/]],
    [{ S3_ACCESS_KEY_A: undefined }, [/^S3_ACCESS_KEY_A is not set/]],
    [{ S3_ACCESS_KEY_A: 'longhorn' }, [/^S3_ACCESS_KEY_A has the value of another access key/]],
    [{ S3_BUCKETS_A: 'one, two' }, [/^S3_BUCKETS_A is not valid: expected bucket names with commas/]],
  ])('refuses a further access key that is not whole: %j', (change, problems) => {
    const key = { S3_ACCESS_KEY_A: 'key-a', S3_SECRET_KEY_A: 'secret-of-a', S3_RIGHTS_A: 'read-only' };
    const found = problemsOf({ ...good, ...key, ...change });
    expect(found).toEqual(problems.map((pattern) => expect.stringMatching(pattern) as string));
    expect(found.join()).not.toContain('secret-of-');
  });

  describe('of TLS', () => {
    let directory: string;
    let files: { S3_TLS_CERT_FILE: string; S3_TLS_KEY_FILE: string };
    beforeAll(() => {
      directory = mkdtempSync(join(tmpdir(), 'longhaul-config-'));
      files = { S3_TLS_CERT_FILE: join(directory, 'tls.crt'), S3_TLS_KEY_FILE: join(directory, 'tls.key') };
      const { cert, key } = serverCertificate();
      writeFileSync(files.S3_TLS_CERT_FILE, cert);
      writeFileSync(files.S3_TLS_KEY_FILE, key);
    });
    afterAll(() => rmSync(directory, { recursive: true }));

    it('takes a certificate and its key', () => {
      expect(readConfig({ ...good, ...files }).s3.tls).toEqual({
        certFile: files.S3_TLS_CERT_FILE,
        keyFile: files.S3_TLS_KEY_FILE,
      });
      expect(readConfig(good).s3.tls).toBeUndefined();
    });

    it.each<[Record<string, string | undefined>, RegExp]>([
      [
        { S3_TLS_KEY_FILE: undefined },
        /^S3_TLS_KEY_FILE is not set, but its counterpart is: expected the path of/,
      ],
      [{ S3_TLS_CERT_FILE: '' }, /^S3_TLS_CERT_FILE is not set, but its counterpart is/],
      [
        { S3_TLS_CERT_FILE: '/nowhere/tls.crt' },
        /^S3_TLS_CERT_FILE names a file that cannot be read \(ENOENT\)/,
      ],
      [{ S3_TLS_KEY_FILE: __filename }, /^S3_TLS_KEY_FILE and S3_TLS_CERT_FILE do not belong together/],
    ])('refuses what is no pair: %j', (change, problem) => {
      expect(problemsOf({ ...good, ...files, ...change })).toEqual([expect.stringMatching(problem)]);
    });
  });

  describe('of a mirror', () => {
    const mirror = {
      MIRROR_FTP_HOST: 'ftp.example.org',
      MIRROR_FTP_USER: 'u456',
      MIRROR_FTP_PASSWORD: 'another',
    };

    it('has the variables of the first FTP server, each by itself', () => {
      const { ftp, ...rest } = readConfig({
        ...good,
        ...mirror,
        FTP_CONNECTIONS: '8',
        MIRROR_FTP_TLS: 'implicit',
        MIRROR_FTP_ROOT_PATH: 'copy/',
      });
      expect(ftp).toMatchObject({ host: 'ftp.example.com', connections: 8, tls: 'explicit', root: '/' });
      expect(rest.mirror).toMatchObject({
        maxLagMs: 900_000,
        ftp: { host: 'ftp.example.org', user: 'u456', port: 990, connections: 4, root: '/copy' },
      });
      expect(readConfig(good).mirror).toBeUndefined();
    });

    it.each<[Record<string, string>, RegExp]>([
      [{ MIRROR_FTP_HOST: '' }, /^MIRROR_FTP_HOST is not set/],
      [{ MIRROR_FTP_PASSWORD: '' }, /^MIRROR_FTP_PASSWORD is not set/],
      [{ MIRROR_MAX_LAG_MINUTES: '0' }, /^MIRROR_MAX_LAG_MINUTES is not valid/],
      [{ MIRROR_FTP_HOST: 'FTP.example.com' }, /name a place that FTP_HOST.* name too, or one within it/],
      [
        { MIRROR_FTP_HOST: 'ftp.example.com', MIRROR_FTP_USER: 'u123', MIRROR_FTP_ROOT_PATH: '/copy' },
        /or one within it/,
      ],
    ])('refuses %j', (change, problem) => {
      expect(problemsOf({ ...good, ...mirror, ...change })).toEqual([expect.stringMatching(problem)]);
    });

    it('may be a directory apart, or that of another account', () => {
      const here = { ...good, ...mirror, MIRROR_FTP_HOST: 'ftp.example.com', FTP_ROOT_PATH: '/a' };
      expect(problemsOf({ ...here, MIRROR_FTP_ROOT_PATH: '/ab', MIRROR_FTP_USER: 'u123' })).toEqual([]);
      expect(problemsOf({ ...here, MIRROR_FTP_ROOT_PATH: '/' })).toEqual([]);
    });
  });

  it('lets abandoned uploads be for a week, or for good', () => {
    expect(readConfig(good).uploadExpiryMs).toBe(7 * 86_400_000);
    expect(readConfig({ ...good, UPLOAD_EXPIRY_DAYS: '0' }).uploadExpiryMs).toBeUndefined();
    expect(problemsOf({ ...good, UPLOAD_EXPIRY_DAYS: '-1' })).toHaveLength(1);
  });
});
