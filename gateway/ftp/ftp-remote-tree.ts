/** The remote tree over a pool of FTP sessions. */
import { Throttle } from './bandwidth';
import { changesInto, DirectoryCache, makeDirectories, makeDirectory, sizeIfFile } from './directories';
import type { LeasePurpose } from './lease-queue';
import { TruncatedListingError } from './listing';
import { SessionPool, type SessionPoolOptions } from './pool';
import { FilePut } from './put-file';
import { readFile } from './read-file';
import { assertRemotePath, parentOf } from './remote-path';
import {
  RemoteFull,
  RemoteRefused,
  RemoteUnavailable,
  type CallOptions,
  type DirectoryOutcome,
  type FileToPut,
  type Listing,
  type ReadOptions,
  type RemoteTree,
  type RemoteTreeStats,
  type StoredFile,
} from './remote-tree';
import { FtpConnectionError, isRefusal } from './reply';
import type { RetryPolicy } from './retry';
import { newServerTraits } from './server-traits';
import { FtpSession, type FtpAccount, type SessionTimeouts } from './session';
import { SessionRunner } from './session-runner';
import { FtpTally } from './tally';

export interface FtpRemoteTreeOptions {
  readonly account: FtpAccount;
  readonly timeouts?: SessionTimeouts;
  readonly pool?: Omit<SessionPoolOptions, 'open'>;
  readonly retry?: Partial<RetryPolicy>;
  /** To what a file belongs: transfers for different things take turns, where there are not enough connections for all. @default all one */
  readonly flowOf?: (path: string) => string;
  /** Bytes a second, asked anew with each piece. @default no limit */
  readonly rates?: { readonly upload: () => number; readonly download: () => number };
}

/** A transfer of more bytes may keep a connection for long. */
const LARGE_BYTES = 16 * 1_048_576;

const LISTING: LeasePurpose = { kind: 'listing' };

/** Cleaning up after a failed upload is a courtesy; it must not hold a connection for long. */
const DISCARD_DEADLINE_MS = 10_000;

export class FtpRemoteTree implements RemoteTree {
  private readonly pool: SessionPool;
  private readonly runner: SessionRunner;
  private readonly flowOf: (path: string) => string;
  private readonly uploads: Throttle;
  private readonly downloads: Throttle;
  private fullSince: number | undefined;
  private readonly directories = new DirectoryCache();
  private readonly traits = newServerTraits();
  private readonly tally = new FtpTally();
  private bytesSent = 0;
  private bytesReceived = 0;

  /** Connects when it is first used. */
  constructor({ account, timeouts, pool, retry, flowOf = () => '', rates }: FtpRemoteTreeOptions) {
    this.flowOf = flowOf;
    this.uploads = new Throttle(rates?.upload ?? (() => Infinity));
    this.downloads = new Throttle(rates?.download ?? (() => Infinity));
    this.pool = new SessionPool({
      ...pool,
      open: () => FtpSession.open(account, timeouts, { traits: this.traits, tally: this.tally }),
    });
    this.runner = new SessionRunner(this.pool, retry);
  }

  async list(directory: string, options?: CallOptions): Promise<Listing> {
    assertRemotePath(directory);
    let failed = false;
    const attempt = async (session: FtpSession): Promise<Listing> => {
      try {
        // A refusal may come as a data connection reset, which would be retried in vain.
        if (failed) await session.changeDirectory(directory);
        failed = true;
        const { entries, namesItself } = await session.list(directory);
        this.traits.namesItself ||= namesItself;
        return entries.length > 0 || namesItself
          ? { outcome: 'listed', entries }
          : { outcome: 'unproved', suspicious: this.traits.namesItself };
      } catch (error) {
        if (isRefusal(error)) return { outcome: 'refused', replyCode: error.replyCode };
        if (error instanceof FtpConnectionError && error.cause instanceof TruncatedListingError)
          throw new RemoteUnavailable(`the listing of ${directory} is not whole`, { cause: error });
        throw error;
      }
    };
    return this.runner.run(attempt, options, LISTING);
  }

  async isDirectory(path: string, options?: CallOptions): Promise<boolean> {
    assertRemotePath(path);
    return this.runner.run((session) => changesInto(session, path), options);
  }

  async size(path: string, options?: CallOptions): Promise<number | undefined> {
    assertRemotePath(path);
    return this.runner.run((session) => sizeIfFile(session, path), options);
  }

  async *read(path: string, options: ReadOptions = {}): AsyncGenerator<Buffer, void, void> {
    assertRemotePath(path);
    const end = options.end ?? (await this.size(path, options));
    if (end === undefined) throw new RemoteRefused(`${path} has no size`);
    const start = options.start ?? 0;
    const purpose = this.purpose('download', path, end - start);
    yield* readFile(
      this.runner,
      { ...options, path, start, end, purpose },
      {
        onBytes: (count) => {
          this.bytesReceived += count;
          return this.downloads.pass(count);
        },
        onResume: () => {
          this.tally.resumes += 1;
        },
      },
    );
  }

  async putFile(file: FileToPut, options?: CallOptions): Promise<StoredFile> {
    const { newDirectories } = file;
    for (const path of [file.temporary, file.target, file.aside, ...(newDirectories?.paths ?? [])])
      assertRemotePath(path);
    const onBytes = (count: number): Promise<void> => {
      this.bytesSent += count;
      return this.uploads.pass(count);
    };
    const put = new FilePut(file, this.directories, this.traits, onBytes, (work) => this.elsewhere(work));
    try {
      const purpose = this.purpose('upload', file.target, file.size ?? 0);
      const stored = await this.runner.run((session) => put.attempt(session), options, purpose);
      this.fullSince = undefined;
      return stored;
    } catch (error) {
      await put.told();
      if (error instanceof RemoteFull) this.fullSince ??= Date.now();
      this.runner
        .run((session) => put.discard(session), { deadlineMs: DISCARD_DEADLINE_MS })
        .catch(() => undefined);
      throw error;
    }
  }

  async remove(path: string, options?: CallOptions): Promise<void> {
    assertRemotePath(path);
    await this.runner.run(async (session) => {
      try {
        await session.remove(path);
      } catch (error) {
        if (!isRefusal(error) || (await sizeIfFile(session, path)) !== undefined) throw error;
      }
    }, options);
  }

  async rename(from: string, to: string, options?: CallOptions): Promise<void> {
    assertRemotePath(from);
    assertRemotePath(to);
    let unclear = false;
    await this.runner.run(async (session) => {
      if (unclear && !(await exists(session, from)) && (await exists(session, to))) return;
      try {
        await session.rename(from, to);
      } catch (error) {
        unclear ||= error instanceof FtpConnectionError && error.verb === 'RNTO';
        throw error;
      }
    }, options);
    this.directories.seen(parentOf(to));
  }

  async makeDir(path: string, options?: CallOptions): Promise<DirectoryOutcome> {
    assertRemotePath(path);
    const outcome = await this.runner.run((session) => makeDirectory(session, path), options);
    if (outcome === 'created') this.directories.made(path);
    else this.directories.seen(path);
    return outcome;
  }

  async makeDirs(paths: readonly string[], options?: CallOptions): Promise<DirectoryOutcome[]> {
    paths.forEach(assertRemotePath);
    if (paths.length === 0) return [];
    return this.runner.run((session) => makeDirectories(session, paths, this.directories), options);
  }

  async removeDir(path: string, options?: CallOptions): Promise<void> {
    assertRemotePath(path);
    this.directories.forget(path);
    await this.runner.run(async (session) => {
      try {
        await session.removeDir(path);
      } catch (error) {
        if (!isRefusal(error) || (await changesInto(session, path))) throw error;
      }
    }, options);
  }

  async home(options?: CallOptions): Promise<string> {
    return this.runner.run((session) => session.workingDirectory(), options);
  }

  async availableBytes(directory: string, options?: CallOptions): Promise<number | undefined> {
    assertRemotePath(directory);
    return this.runner.run((session) => session.availableBytes(directory), options);
  }

  /** Runs on a connection that is free right now, if there is one. Failures are the caller's to repeat. */
  private elsewhere<T>(work: (session: FtpSession) => Promise<T>): Promise<T> | undefined {
    const lease = this.pool.leaseIfFree();
    return lease && work(lease.session).finally(() => lease.release());
  }

  private purpose(kind: 'upload' | 'download', path: string, size: number): LeasePurpose {
    return { kind, flow: this.flowOf(path), isLarge: size > LARGE_BYTES };
  }

  stats(): RemoteTreeStats {
    const { commands, outcomes, resumes, lastReplyAt, certificateExpiresAt } = this.tally;
    return {
      commands,
      outcomes,
      resumes,
      lastReplyAt,
      certificateExpiresAt,
      connections: this.pool.stats(),
      retries: this.runner.retries,
      bytesSent: this.bytesSent,
      bytesReceived: this.bytesReceived,
      fullSince: this.fullSince,
      replacesOnRename: this.traits.replacesOnRename,
    };
  }

  async close(graceMs?: number): Promise<void> {
    await this.pool.close(graceMs);
  }
}

/** Whether there is a file or a directory. */
async function exists(session: FtpSession, path: string): Promise<boolean> {
  return (await sizeIfFile(session, path)) !== undefined || changesInto(session, path);
}
