/** Storing one file: temporary name, size check, rename. Picks up where a failed attempt left off. */
import {
  changesInto,
  ensureDirectory,
  makeDirectories,
  outcomesOf,
  sizeIfFile,
  type DirectoryCache,
} from './directories';
import { parentOf } from './remote-path';
import {
  RemoteRefused,
  RemoteUnavailable,
  type FileToPut,
  type NewDirectories,
  type StoredFile,
} from './remote-tree';
import { FtpConnectionError, FtpReplyError, isRefusal } from './reply';
import type { ServerTraits } from './server-traits';
import type { FtpSession, UploadOptions } from './session';

/** A file that the server has whole under a temporary name. */
interface Upload {
  readonly path: string;
  readonly size: number;
}

export class FilePut {
  /** Temporary names used so far; the last one is the latest attempt. */
  private readonly attempts: string[] = [];
  /** Bytes given to the connection in the latest attempt. */
  private handedOver = 0;
  private handedOverAll = false;
  private opened = false;
  private uploaded: Upload | undefined;
  /** A rename was sent, and its reply was lost. */
  private renameUnclear = false;
  private usedAside = false;
  private keepsReplaced = false;
  /** Of the new directories; undefined if nobody knows. */
  private refusals: readonly (FtpReplyError | undefined)[] | undefined;
  /** Whoever waits for the new directories is being told of them. */
  private placing: Promise<void> | undefined;

  constructor(
    private readonly file: FileToPut,
    private readonly directories: DirectoryCache,
    private readonly traits: ServerTraits,
    /** Told of what is about to be sent; may hold it back. */
    private readonly onBytes: (count: number) => Promise<void>,
    /** Runs on another connection, if one is free; else it is undefined. */
    private readonly elsewhere: <T>(work: (session: FtpSession) => Promise<T>) => Promise<T> | undefined,
  ) {}

  /** One attempt; to be called again after a passing failure. */
  async attempt(session: FtpSession): Promise<StoredFile> {
    if (this.renameUnclear && this.uploaded && (await this.renameHappened(session, this.uploaded)))
      return this.done(session, this.uploaded);
    this.uploaded ??= await this.upload(session);
    await this.makePlace(session);
    await this.file.mayCommit?.();
    await this.commit(session, this.uploaded);
    return this.done(session, this.uploaded);
  }

  /** Resolves when nobody is being told of new directories any more: what they hold for the file must not be held after it was given up. */
  async told(): Promise<void> {
    await this.placing?.catch(() => undefined);
  }

  /** Deletes what failed attempts left behind, as far as that goes. */
  async discard(session: FtpSession): Promise<void> {
    for (const path of this.attempts) await removeIfThere(session, path);
  }

  private async upload(session: FtpSession): Promise<Upload> {
    const settled = await this.settleUpload(session);
    if (settled) return settled;
    const { temporary, newDirectories, replayable } = this.file;
    const begun = replayable ? await session.begunIn(parentOf(temporary)) : undefined;
    const path = this.nextTemporary(begun);
    if (begun !== undefined && newDirectories) this.placing ??= this.makeElsewhere(newDirectories);
    const options: UploadOptions = {
      directories: this.placing || begun !== undefined ? [] : (newDirectories?.paths ?? []),
      onDirectories: (refusals) => this.directoriesAnswered(session, refusals),
      startsAtOnce: replayable,
      next: `${temporary}.next${this.attempts.length}`,
    };
    const size = await session.upload(path, () => this.open(), options);
    if (size === this.handedOver) return { path, size };
    return this.checkSize(session, path);
  }

  /** A connection whose upload has begun takes no commands before that is over. Where no other is free, they are made then. */
  private makeElsewhere(directories: NewDirectories): Promise<void> | undefined {
    const making = this.elsewhere((session) => makeDirectories(session, directories.paths, this.directories));
    const placing = making?.then((outcomes) => directories.made(outcomes));
    // Awaited when the upload is over.
    placing?.catch(() => undefined);
    return placing;
  }

  /** What was refused has to be looked at, which must wait until the upload is over. */
  private directoriesAnswered(session: FtpSession, refusals: readonly (FtpReplyError | undefined)[]): void {
    this.refusals = refusals;
    if (!this.file.newDirectories || refusals.some((refusal) => refusal)) return;
    this.placing = this.tellPlace(session, this.file.newDirectories);
    // Awaited when the upload is over.
    this.placing.catch(() => undefined);
  }

  /** Waits until whoever waits for the directories that go with the file knows what came of them. */
  private async makePlace(session: FtpSession): Promise<void> {
    const { newDirectories } = this.file;
    if (!newDirectories) return;
    try {
      await (this.placing ??= this.tellPlace(session, newDirectories));
    } catch (error) {
      this.placing = undefined;
      throw error;
    }
  }

  private async tellPlace(session: FtpSession, directories: NewDirectories): Promise<void> {
    const { paths } = directories;
    const refusals = this.refusals ?? (await session.makeDirs(paths));
    await directories.made(await outcomesOf(session, paths, refusals, this.directories));
  }

  /** What became of the previous attempt, if it got all bytes out and only the confirmation is missing. */
  private async settleUpload(session: FtpSession): Promise<Upload | undefined> {
    const latest = this.attempts.at(-1);
    if (latest === undefined) return undefined;
    if (this.handedOverAll && (await sizeIfFile(session, latest)) === this.handedOver)
      return { path: latest, size: this.handedOver };
    if (this.opened && !this.file.replayable)
      throw new RemoteUnavailable(
        `${latest} arrived with a wrong size or not at all, and cannot be sent again`,
      );
    // proftpd resets the data connection instead of refusing a path whose directory is missing.
    if (!this.opened && !(await changesInto(session, parentOf(latest))))
      throw new RemoteRefused(`${parentOf(latest)} is missing`);
    return undefined;
  }

  private async checkSize(session: FtpSession, path: string): Promise<Upload> {
    const size = await (this.isRenamedNext ? session.sizeBeforeRename(path) : session.size(path));
    if (size === this.handedOver) return { path, size };
    this.handedOverAll = false;
    throw new FtpConnectionError('STOR', `the server stored ${size} of ${this.handedOver} bytes`);
  }

  /** Whether nothing comes between the size and the rename. */
  private get isRenamedNext(): boolean {
    if (this.file.keepsReplaced || !this.traits.replacesOnRename) return false;
    if (this.file.newDirectories) return this.placing !== undefined;
    return !this.directories.isSurelyMissing(parentOf(this.file.target));
  }

  /** @param begun where an upload waits for its bytes already */
  private nextTemporary(begun: string | undefined): string {
    const { temporary } = this.file;
    const number = this.attempts.length + 1;
    const path = begun ?? (number === 1 ? temporary : `${temporary}.${number}`);
    this.attempts.push(path);
    return path;
  }

  private async *open(): AsyncGenerator<Buffer> {
    this.opened = true;
    this.handedOver = 0;
    this.handedOverAll = false;
    for await (const chunk of this.file.body()) {
      this.handedOver += chunk.length;
      await this.onBytes(chunk.length);
      yield chunk;
    }
    this.handedOverAll = true;
  }

  private async commit(session: FtpSession, upload: Upload): Promise<void> {
    const directory = parentOf(this.file.target);
    if (this.directories.isSurelyMissing(directory))
      await ensureDirectory(session, directory, this.directories);
    this.keepsReplaced = this.file.keepsReplaced?.() ?? false;
    if (this.keepsReplaced || !this.traits.replacesOnRename) return this.commitAroundAside(session, upload);
    try {
      await this.rename(session, upload.path);
    } catch (error) {
      if (!(error instanceof FtpReplyError) || error.verb !== 'RNTO') throw error;
      await this.commitAfterRefusal(session, upload, error);
    }
  }

  /** The rename onto the target was refused: for a missing directory (550, 553; 451 on pure-ftpd), or since the target exists. */
  private async commitAfterRefusal(
    session: FtpSession,
    upload: Upload,
    refusal: FtpReplyError,
  ): Promise<void> {
    if ((await sizeIfFile(session, this.file.target)) !== undefined) {
      if (refusal.replyClass !== 'refused') throw refusal;
      await this.commitAroundAside(session, upload);
      this.traits.replacesOnRename = false;
      return;
    }
    const directory = parentOf(this.file.target);
    this.directories.forget(directory);
    await ensureDirectory(session, directory, this.directories);
    await this.rename(session, upload.path);
  }

  /** Moves the old file aside first. Between the two renames the target is missing, and the old file is at `aside`. */
  private async commitAroundAside(session: FtpSession, upload: Upload): Promise<void> {
    const { target, aside } = this.file;
    const movedAside = await this.moveAside(session);
    try {
      await this.rename(session, upload.path);
    } catch (error) {
      if (movedAside && session.usable) await session.rename(aside, target);
      throw error;
    }
  }

  /** False if there is no old file. */
  private async moveAside(session: FtpSession): Promise<boolean> {
    const { target, aside } = this.file;
    if ((await sizeIfFile(session, target)) === undefined) return false;
    // With the target in place, a file at `aside` is the leftover of a crash.
    await removeIfThere(session, aside);
    // Before the rename, for its reply may be lost.
    this.usedAside = true;
    await session.rename(target, aside);
    return true;
  }

  private async rename(session: FtpSession, temporary: string): Promise<void> {
    try {
      await session.rename(temporary, this.file.target, { beforeTransfer: true });
    } catch (error) {
      if (error instanceof FtpConnectionError && error.verb === 'RNTO') this.renameUnclear = true;
      throw error;
    }
  }

  /** Settles a lost reply: the temporary is gone, though nobody renamed its directory away, and the target has the size. */
  private async renameHappened(session: FtpSession, { path, size }: Upload): Promise<boolean> {
    this.renameUnclear = false;
    if ((await sizeIfFile(session, path)) !== undefined) return false;
    if (!(await changesInto(session, parentOf(path))))
      throw new RemoteRefused(`${parentOf(path)} went away during a rename`);
    if ((await sizeIfFile(session, this.file.target)) === size) return true;
    this.uploaded = undefined;
    this.handedOverAll = false;
    return false;
  }

  private async done(session: FtpSession, { path, size }: Upload): Promise<StoredFile> {
    this.directories.seen(parentOf(this.file.target));
    const leftovers = this.attempts.filter((attempt) => attempt !== path);
    if (this.usedAside && !this.keepsReplaced) leftovers.push(this.file.aside);
    try {
      for (const leftover of leftovers) await removeIfThere(session, leftover);
    } catch {
      // The file is stored; what is left behind is found by whoever cleans the temporary directory and by the name of the aside.
    }
    return { size, committedBy: this.usedAside ? 'aside' : 'rename' };
  }
}

async function removeIfThere(session: FtpSession, path: string): Promise<void> {
  try {
    await session.remove(path);
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
}
