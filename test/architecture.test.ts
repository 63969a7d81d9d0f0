import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const repository = join(__dirname, '..');

function sources(directory: string): string[] {
  return readdirSync(join(repository, directory), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name) && !name.includes('node_modules'))
    .map((name) => join(directory, name));
}

/** What a file imports: packages by name, files by their path from the repository. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(repository, file), 'utf8');
  return [...text.matchAll(/(?:from|import|import\()\s*'([^']+)'/g)].map(([, name = '']) =>
    name.startsWith('.') ? relative(repository, join(repository, dirname(file), name)) : name,
  );
}

function violations(directory: string, isAllowed: (imported: string) => boolean): string[] {
  return sources(directory).flatMap((file) =>
    importsOf(file)
      .filter((imported) => !isAllowed(imported))
      .map((imported) => `${file} imports ${imported}`),
  );
}

const within =
  (...directories: string[]) =>
  (imported: string) =>
    directories.some((d) => imported.startsWith(`${d}/`));

describe('the direction of imports', () => {
  it('keeps the sealed format to node:crypto and itself', () => {
    expect(violations('gateway/seal', (i) => i === 'node:crypto' || within('gateway/seal')(i))).toEqual([]);
  });

  it.each(['gateway/s3', 'gateway/sigv4'])('keeps %s free of I/O', (directory) => {
    const pure = ['node:crypto', 'node:zlib', 'node:stream', 'fast-xml-parser', '@aws-sdk/crc64-nvme'];
    const files = ['gateway/errors', 'gateway/store/object-store', 'lib/names'];
    const isAllowed = (i: string) =>
      pure.includes(i) || files.includes(i) || within('gateway/s3', 'gateway/sigv4')(i);
    expect(violations(directory, isAllowed)).toEqual([]);
  });

  it('keeps the backupstore free of I/O', () => {
    const isAllowed = (i: string) =>
      ['node:crypto', '@streamparser/json'].includes(i) || within('gateway/backupstore')(i);
    expect(violations('gateway/backupstore', isAllowed)).toEqual([]);
  });

  it('lets what reads backups without a gateway take nothing of a gateway that runs', () => {
    const files = ['file-metadata', 'remote-layout', 'remote-path', 'concurrency'];
    const allowed = [...files.map((file) => `gateway/store/${file}`), 'gateway/ftp/remote-tree', 'lz4-napi'];
    const isAllowed = (i: string) =>
      within('gateway/backups', 'gateway/backupstore', 'gateway/seal', 'gateway/sigv4')(i) ||
      ['gateway/s3/xml-read', ...allowed].includes(i) ||
      i.startsWith('node:');
    expect(violations('gateway/backups', isAllowed)).toEqual([]);
  });

  it('keeps FTP free of everything above it', () => {
    const isAllowed = (i: string) => within('gateway/ftp')(i) || i === 'basic-ftp' || i.startsWith('node:');
    expect(violations('gateway/ftp', isAllowed)).toEqual([]);
  });

  it('keeps HTTP and FTP sessions out of the store', () => {
    const files = ['gateway/errors', 'gateway/ftp/remote-tree'];
    const isAllowed = (i: string) =>
      within('gateway/store', 'gateway/seal', 'gateway/s3', 'gateway/backupstore')(i) ||
      files.includes(i) ||
      ['lmdb', 'pino'].includes(i) ||
      i.startsWith('node:');
    expect(violations('gateway/store', isAllowed)).toEqual([]);
    expect(violations('gateway/store', (i) => !/^node:(net|tls|http)/.test(i))).toEqual([]);
  });

  it('lets the gateway take nothing but the names from lib, and its commands how a command speaks', () => {
    const names = (i: string) => !i.startsWith('lib/') || i === 'lib/names';
    const speech = ['lib/cli/terminal', 'lib/cli/output'];
    expect(violations('gateway', (i) => names(i) || speech.includes(i))).toEqual([]);
    const others = sources('gateway').filter((file) => !file.startsWith('gateway/cli/'));
    expect(others.flatMap((file) => importsOf(file).filter((i) => speech.includes(i)))).toEqual([]);
  });

  it("lets nothing of lib take from the gateway but the program's main file its commands", () => {
    const fromGateway = violations('lib', (i) => !i.startsWith('gateway/'));
    expect(fromGateway).toEqual(['lib/cli/main.ts imports gateway/cli/commands']);
  });

  it('keeps the names free of imports', () => {
    expect(importsOf('lib/names.ts')).toEqual([]);
  });

  it('sees what it looks at', () => {
    expect(importsOf('gateway/gateway.ts')).toContain('gateway/store/ftp-store');
    expect(sources('gateway/seal').length).toBeGreaterThan(5);
  });
});
