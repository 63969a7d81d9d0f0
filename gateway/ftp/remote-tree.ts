/** The files and directories of one FTP account, as the store sees them. The doc comments are the contract. */
import type { Outcome } from './tally';

/** One name in a directory. Symbolic links and special files are left out: nothing here makes them. */
export interface RemoteEntry {
  readonly name: string;
  readonly type: 'file' | 'directory';
  /** Bytes; absent for directories, and where the server does not say. */
  readonly size?: number;
  /** Milliseconds since the epoch by the server's clock; absent unless the server gives it in UTC (MLSD). */
  readonly modifiedAt?: number;
}

/**
 * What is known about a directory's content.
 *
 * - `listed`: the server read this directory, and these are all its entries. Empty only where the server proved that it looked.
 * - `unproved`: the server answered success and nothing. It may be empty, missing or unreadable; `suspicious` if this server
 *   names the directory itself in other listings, as vsftpd does in all but those that it could not read.
 * - `refused`: the server answered that it will not (550 and its like): missing, a file, or no permission. The reply cannot tell which.
 */
export type Listing =
  | { readonly outcome: 'listed'; readonly entries: readonly RemoteEntry[] }
  | { readonly outcome: 'unproved'; readonly suspicious: boolean }
  | { readonly outcome: 'refused'; readonly replyCode: number };

/** How long a call may go on. */
export interface CallOptions {
  /** Ends the waiting between attempts and for a connection, and the transfer in progress; the call then throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** Milliseconds from the start of the call after which no further attempt is made. @default that of the tree, 300,000 */
  readonly deadlineMs?: number;
}

export interface ReadOptions extends CallOptions {
  /** First byte to read. @default 0 */
  readonly start?: number;
  /** Byte to stop before: what is read is exactly [start, end). @default the size of the file, which costs a round trip */
  readonly end?: number;
}

export interface FileToPut {
  /**
   * Where the bytes go first. Only this call may use the name, or a name that starts with it: another attempt writes to
   * `<temporary>.2` and so on, since a connection given up may still be writing on the server. Its directory must exist and is never made: renaming
   * it away fences a writer off, and the call then throws `RemoteRefused`.
   */
  readonly temporary: string;
  /** Where the file ends up, replacing what is there. Its directory is made if missing. */
  readonly target: string;
  /**
   * Where the file at `target` waits while a server that refuses to rename over an existing file is served. If the process
   * dies meanwhile, `target` may be missing while `aside` holds the old file. In an existing directory, used by this call only.
   */
  readonly aside: string;
  /**
   * Asked once all bytes are there: whether the file that was at `target` has to stay, at `aside`, instead of being lost. It then is there when the call
   * resolves with `committedBy: 'aside'`. @default it is lost
   */
  readonly keepsReplaced?: () => boolean;
  /** Directories that lead to the target, to be made along with the upload; else they are made if missing, unseen. */
  readonly newDirectories?: NewDirectories;
  /** Awaited before anything changes at `target`. What it rejects with reaches the caller unchanged. */
  readonly mayCommit?: () => Promise<void>;
  /** Opens the bytes. What it throws reaches the caller of `putFile` unchanged, and nothing is retried. */
  body(): AsyncIterable<Buffer>;
  /** Whether `body` may be called again. A body that may not is sent at most once. */
  readonly replayable: boolean;
  /** Bytes, about: a large file leaves a connection to others. @default 0 */
  readonly size?: number;
}

/** Directories to be made, each after those before it. */
export interface NewDirectories {
  readonly paths: readonly string[];
  /** Told what came of each, as by `makeDirs`, as soon as it is known, and awaited before the file is renamed into them. What it throws reaches the caller unchanged. */
  made(outcomes: readonly DirectoryOutcome[]): Promise<void>;
}

/** `existed` is also the answer where nobody knows who made it. */
export type DirectoryOutcome = 'created' | 'existed';

export interface StoredFile {
  /** Bytes, as the server counted them. */
  readonly size: number;
  /** How `target` came to be: one rename, or around an aside because the server refuses to rename over a file, or the old file has to stay. */
  readonly committedBy: 'rename' | 'aside';
}

/**
 * A tree of files over a pool of FTP connections.
 *
 * Paths are absolute, `/`-separated, printable ASCII, without empty, `.` and `..` segments; anything else throws a `TypeError`.
 *
 * Every method retries passing troubles (421, 425, 426, 450, 451, broken or silent connections, logins turned away) on
 * another connection, with growing pauses, until its deadline; then it throws `RemoteUnavailable`. A definite no throws
 * `RemoteRefused` where the method does not say otherwise, and a lack of space `RemoteFull`. No other error leaves
 * a method, except the reason of an abort and what a body throws.
 *
 * It never says that something is missing because of a trouble. Missing, forbidden and of another type look alike over FTP: all
 * three are a refusal, and the caller decides by looking at the directory above.
 */
export interface RemoteTree {
  list(directory: string, options?: CallOptions): Promise<Listing>;
  /** Whether the server changes into it: true proves a directory. */
  isDirectory(path: string, options?: CallOptions): Promise<boolean>;
  /** Bytes of a file; undefined if the server refuses: missing, a directory, or no permission. */
  size(path: string, options?: CallOptions): Promise<number | undefined>;
  /**
   * Yields the bytes of a file in order; continues at the byte where a connection broke. Never ends short of the asked range:
   * throws `RemoteRefused` if the file is missing or shorter. Time that the consumer takes does not count towards the deadline,
   * and each byte that arrives starts it anew. Ending the iteration early is fine.
   */
  read(path: string, options?: ReadOptions): AsyncIterable<Buffer>;
  /**
   * Stores a file: temporary name, size checked by the server's count, rename onto the target. When it resolves, the server has
   * confirmed all three; when it throws, the target holds the old file or the new one, whole (or the old one is at `aside`).
   * A lost reply to the rename is settled by looking. `RemoteRefused` if the temporary's directory went away before the rename.
   */
  putFile(file: FileToPut, options?: CallOptions): Promise<StoredFile>;
  /** Deletes a file. Missing is fine: a refusal stands only if the file can still be sized. */
  remove(path: string, options?: CallOptions): Promise<void>;
  /**
   * Renames a file or a directory; `to` must have its parent. If the reply was lost, it resolves when `from` is gone and `to` is there: give
   * a `to` that nobody else uses where it matters who did it.
   */
  rename(from: string, to: string, options?: CallOptions): Promise<void>;
  /**
   * Makes one directory; its parent must exist. `created` only if this very call's MKD was confirmed: of several callers, also in
   * other processes, at most one sees it. After a lost reply the answer is `existed`.
   */
  makeDir(path: string, options?: CallOptions): Promise<DirectoryOutcome>;
  /** Makes several directories as `makeDir` does, each after those before it, in as few round trips as one. */
  makeDirs(paths: readonly string[], options?: CallOptions): Promise<readonly DirectoryOutcome[]>;
  /** Removes an empty directory. Missing is fine; `RemoteRefused` if it is still there. */
  removeDir(path: string, options?: CallOptions): Promise<void>;
  /** The directory that the server puts the account in at login; `/` where accounts are confined. */
  home(options?: CallOptions): Promise<string>;
  /** Bytes that the account may still store in a directory; undefined where the server does not tell. */
  availableBytes(directory: string, options?: CallOptions): Promise<number | undefined>;
  stats(): RemoteTreeStats;
  /** Lets operations in progress end for up to `graceMs` (default 5,000), then drops every connection. Later calls throw `RemoteUnavailable`. */
  close(graceMs?: number): Promise<void>;
}

/** For metrics. Counters only rise. */
export interface RemoteTreeStats {
  readonly connections: {
    /** Leased now. */
    readonly busy: number;
    /** Open and free. */
    readonly idle: number;
    /** Calls waiting for a connection. */
    readonly waiting: number;
    /** How many the pool allows itself now: less than configured after the server turned some away. */
    readonly limit: number;
    readonly opened: number;
    /** Given up because they broke. */
    readonly broken: number;
    /** Logins turned away or failed. */
    readonly failedLogins: number;
  };
  /** Commands sent, by verb. */
  readonly commands: ReadonlyMap<string, number>;
  /** How operations on connections ended: by the class of the reply, or without one. */
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Attempts made again after a passing trouble. */
  readonly retries: number;
  /** Downloads continued at the byte where a connection broke. */
  readonly resumes: number;
  /** When the server last answered anything, in milliseconds since the epoch; undefined before that. */
  readonly lastReplyAt: number | undefined;
  /** When the server's certificate ends, in milliseconds since the epoch; undefined without TLS. */
  readonly certificateExpiresAt: number | undefined;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Since when the account has had no space left, in milliseconds since the epoch; undefined once a file could be stored again. */
  readonly fullSince: number | undefined;
  /** False once the server refused to rename over a file. */
  readonly replacesOnRename: boolean;
}

/** An answer of the tree that is not a result. `cause` is for the log. */
export abstract class RemoteError extends Error {}

/** The server could not be asked, or did not answer clearly, until the deadline. Nothing is known; try later. */
export class RemoteUnavailable extends RemoteError {
  override readonly name = 'RemoteUnavailable';
}

/** The account has no space left (452, 552). */
export class RemoteFull extends RemoteError {
  override readonly name = 'RemoteFull';
}

/** The server answered a definite no. */
export class RemoteRefused extends RemoteError {
  override readonly name = 'RemoteRefused';

  constructor(
    message: string,
    /** The FTP reply code; undefined where the refusal follows from several replies. */
    readonly replyCode?: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The server does not accept the user name and password: somebody must look. Calls fail at once while it lasts. */
export class RemoteLoginDenied extends RemoteUnavailable {}
