import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdminClient, AdminRefusedError, NotRunningError } from '../../gateway/admin/client';
import { ADMIN_SOCKET, LocalDirectoryError, takeDirectory } from '../../gateway/local-directory';

describe("the gateway's directory on local disk", () => {
  let directory: string;

  beforeEach(() => {
    directory = join(mkdtempSync(join(tmpdir(), 'longhaul-local-')), 'catalog');
  });

  afterEach(() => rmSync(join(directory, '..'), { recursive: true, force: true }));

  it('is used by one process at a time, and remembers who the gateway is', async () => {
    const first = await takeDirectory(directory);
    await expect(takeDirectory(directory)).rejects.toThrow(LocalDirectoryError);
    first.release();
    const second = await takeDirectory(directory);
    expect(second.holder).toBe(first.holder);
    second.release();
  });

  it('is free again after a process that died with its socket left behind', async () => {
    const first = await takeDirectory(directory);
    first.release();
    writeFileSync(join(directory, ADMIN_SOCKET), '');
    (await takeDirectory(directory)).release();
  });

  it('answers over its socket: that it is starting, and then what it is given to answer', async () => {
    const client = new AdminClient(directory);
    await expect(client.call('GET', '/x')).rejects.toThrow(NotRunningError);
    const local = await takeDirectory(directory);
    await expect(client.call('GET', '/x')).rejects.toThrow(AdminRefusedError);
    local.serve((_request, response) => void response.end('{"answer":1}'));
    await expect(client.call('GET', '/x')).resolves.toEqual({ answer: 1 });
    local.release();
    await expect(client.call('GET', '/x')).rejects.toThrow(NotRunningError);
  });

  it('lets only its own user connect', async () => {
    const local = await takeDirectory(directory);
    expect(statSync(join(directory, ADMIN_SOCKET)).mode & 0o777).toBe(0o600);
    local.release();
  });
});
