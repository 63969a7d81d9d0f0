import { ConfigError, readConfig } from '../../gateway/config';

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
      s3: { port: 9000, bucket: 'longhorn' },
      segmentLog2: 18,
    });
    expect(readConfig(good).encryptionKey).toBeUndefined();
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
});
