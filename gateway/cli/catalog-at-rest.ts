/** `longhaul catalog check` while no gateway runs: reads the catalog on local disk through, and compares it with the FTP server. Changes neither. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { count, EXIT, FailedError, json, table, UsageError } from '../../lib/cli/output';
import { Progress, type CommandHost } from '../../lib/cli/terminal';
import { FtpSource } from '../backups/ftp-source';
import { SourceUnavailableError } from '../backups/source';
import { readCatalogDirectory } from '../config';
import { ConfigError } from '../config-error';
import { ftpTree, readFtpConfig, type FtpConfig } from '../ftp-config';
import { LocalDirectoryError, takeDirectory } from '../local-directory';
import { Catalog } from '../store/catalog';
import { CatalogError } from '../store/catalog-error';
import { catalogPath } from '../store/catalog-file';
import type { Directory } from '../store/directory';
import { RemoteLayout } from '../store/remote-layout';

export interface Difference {
  readonly key: string;
  readonly what: string;
}

export interface RestingCheck {
  readonly files: number;
  readonly directories: number;
  /** Whether it was compared with the FTP server, and if not, why. */
  readonly compared: boolean;
  readonly reason?: string;
  readonly differences: readonly Difference[];
}

export async function checkAtRest(host: CommandHost): Promise<void> {
  const { directory, ftp } = inProgramsWords(() => ({
    directory: readCatalogDirectory(host.env),
    ftp: host.env['FTP_HOST'] === undefined ? undefined : readFtpConfig(host.env),
  }));
  const path = catalogPath(directory);
  if (!existsSync(join(path, 'data.mdb')))
    throw new FailedError(`no gateway runs, and there is no catalog in ${directory}`);
  try {
    const local = await takeDirectory(directory);
    const progress = new Progress(host.terminal);
    let catalog: Catalog | undefined;
    // LMDB reads a file that is not whole at its peril, which may be the process's end.
    host.terminal.err(
      'no gateway runs: the catalog on disk is read; if this ends without a word, it is damaged\n',
    );
    try {
      catalog = new Catalog(path);
      catalog.verify();
      const { files, directories } = catalog.counts;
      const compared = await compare(catalog, ftp, (done) =>
        progress.update(`${done} of ${count(directories, 'directory', 'directories')}`),
      );
      const check: RestingCheck = { files, directories, ...compared };
      host.terminal.out(host.output() === 'json' ? json(check) : describe(check));
      host.finish(check.compared && check.differences.length === 0 ? EXIT.ok : EXIT.problem);
    } finally {
      progress.done();
      await catalog?.close(false);
      local.release();
    }
  } catch (error) {
    const isExplained = error instanceof CatalogError || error instanceof LocalDirectoryError;
    throw isExplained ? new FailedError(error.message) : error;
  }
}

/** Without a lease, so a gateway elsewhere may be changing things: what it tells then may be on its way. */
async function compare(
  catalog: Catalog,
  ftp: FtpConfig | undefined,
  onDone: (directories: number) => void,
): Promise<Omit<RestingCheck, 'files' | 'directories'>> {
  if (!ftp) return { compared: false, reason: 'FTP_HOST is not set', differences: [] };
  const tree = ftpTree(ftp);
  const layout = new RemoteLayout(ftp.root);
  const differences: Difference[] = [];
  let done = 0;
  try {
    for (const { name: bucket } of catalog.buckets()) {
      const source = new FtpSource({ tree, layout, bucket, readPlain: true, description: ftp.host });
      const root = catalog.root(bucket);
      for (const stack = root ? [root] : []; stack.length > 0; onDone(++done)) {
        const directory = stack.pop()!;
        differences.push(...(await compareDirectory(catalog, directory, source)));
        for (const child of catalog.children(directory))
          if (child.kind === 'directory') stack.push(child.directory);
      }
    }
    return { compared: true, differences };
  } catch (error) {
    if (!(error instanceof SourceUnavailableError)) throw error;
    return { compared: false, reason: error.message, differences };
  } finally {
    await tree.close(0);
  }
}

async function compareDirectory(
  catalog: Catalog,
  directory: Directory,
  source: FtpSource,
): Promise<Difference[]> {
  const prefix = directory.segments.map((segment) => `${segment}/`).join('');
  const differences: Difference[] = [];
  const tell = (name: string, what: string): number =>
    differences.push({ key: `${directory.bucket}/${prefix}${name}`, what });
  const found = new Map((await source.list(prefix)).map((entry) => [`${entry.kind} ${entry.name}`, entry]));
  for (const child of catalog.children(directory)) {
    const id = `${child.kind === 'file' ? 'object' : 'directory'} ${child.name}`;
    const entry = found.get(id);
    found.delete(id);
    if (!entry) tell(child.name, 'in the catalog, and not on the FTP server');
    else if (
      child.kind === 'file' &&
      entry.storedSize !== undefined &&
      entry.storedSize !== child.record.storedSize
    )
      tell(
        child.name,
        `${entry.storedSize} bytes on the FTP server, ${child.record.storedSize} in the catalog`,
      );
  }
  for (const { name } of found.values()) tell(name, 'on the FTP server, and not in the catalog');
  return differences;
}

function inProgramsWords<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof ConfigError ? new UsageError(error.message) : error;
  }
}

function describe({ files, directories, compared, reason, differences }: RestingCheck): string {
  const rows = differences.map(({ key, what }) => [key, what]);
  return [
    `The catalog on disk is whole: ${count(files, 'object')} in ${count(directories, 'directory', 'directories')}.\n`,
    compared
      ? `Compared with the FTP server: ${count(differences.length, 'difference')}.\n`
      : `Not compared with the FTP server: ${reason}.\n`,
    rows.length === 0 ? '' : table(['WHERE', 'WHAT'], rows),
  ].join('');
}
