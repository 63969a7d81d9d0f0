/** S3 clients of the world against the gateway, on every FTP server that is there. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ftpBackends } from '../e2e/ftp-backends';
import { randomBlock } from '../support/longhorn/block-content';
import { CLIENT_KINDS } from './client-kinds';
import type { ObjectClient } from './object-client';
import { findProgram } from './programs';
import { sealedGateway } from './sealed-gateway';

const SMALL = randomBlock(1, 300_000);
/** More than the 8 MiB above which awscli uploads in parts; no whole number of anything. */
const LARGE = randomBlock(2, 11_000_123);
const TEST_TIMEOUT_MS = 120_000;

const clients = CLIENT_KINDS.map((kind) => ({
  kind,
  program: kind.program === undefined ? '' : findProgram(kind.program),
}));
const missing = clients.filter(({ program }) => program === undefined).map(({ kind }) => kind.name);
const required = process.env['LONGHAUL_REQUIRE_CLIENTS'] === '1';
if (missing.length > 0)
  process.stderr.write(`interop: not installed, and so not run: ${missing.join(', ')}\n`);

it('has every client at hand where all are required', () => {
  expect(required ? missing : []).toEqual([]);
});

describe.each(ftpBackends().filter(({ tls }) => tls))('on $name', ({ start }) => {
  const gateway = sealedGateway(start, TEST_TIMEOUT_MS);

  describe.each(clients.filter(({ program }) => program !== undefined))('$kind.name', ({ kind, program }) => {
    let directory: string;
    let client: ObjectClient;
    let file: (name: string) => string;

    beforeAll(() => {
      directory = mkdtempSync(join(tmpdir(), 'longhaul-interop-'));
      file = (name) => join(directory, name);
      writeFileSync(file('small'), SMALL);
      writeFileSync(file('large'), LARGE);
      client = kind.create(gateway(), directory, program ?? '');
    });

    afterAll(() => rmSync(directory, { recursive: true, force: true }));

    it(
      'gets what it put, under a key that has to be escaped',
      async () => {
        const key = `${kind.program ?? 'sdk'}/put/a key+with&ünïcode=~.bin`;
        await client.put(key, file('small'));
        await client.get(key, file('got'));
        expect(readFileSync(file('got')).equals(SMALL)).toBe(true);
      },
      TEST_TIMEOUT_MS,
    );

    it(
      'gets the rest of an object from an offset',
      async () => {
        const key = `${kind.program ?? 'sdk'}/range/object`;
        await client.put(key, file('small'));
        const rest = await client.getFrom(key, 123_456, file('rest'));
        expect(rest.equals(SMALL.subarray(123_456))).toBe(true);
      },
      TEST_TIMEOUT_MS,
    );

    it(
      'uploads in parts',
      async () => {
        const key = `${kind.program ?? 'sdk'}/parts/object`;
        await client.putInParts(key, file('large'));
        await client.get(key, file('got-large'));
        expect(readFileSync(file('got-large')).equals(LARGE)).toBe(true);
      },
      TEST_TIMEOUT_MS,
    );

    it(
      'lists what is there, and no longer what it deleted',
      async () => {
        const prefix = `${kind.program ?? 'sdk'}/list/`;
        const keys = ['a', 'b/c', 'b/d'].map((name) => prefix + name);
        for (const key of keys) await client.put(key, file('small'));
        expect((await client.list(prefix)).sort()).toEqual(keys);
        await client.delete(`${prefix}b/c`);
        expect((await client.list(prefix)).sort()).toEqual([`${prefix}a`, `${prefix}b/d`]);
      },
      TEST_TIMEOUT_MS,
    );
  });
});
