/** One FTP session: a control connection, logged in, used by one caller at a time. */
import { PassThrough } from 'node:stream';
import { FTPError, type FTPResponse } from 'basic-ftp';
import { isCompletion, isIntermediate, type FtpAccount } from './connection';
import { parseSize } from './early-size';
import { parseMlsd, parseUnixOrDosList, TruncatedListingError, type ParsedListing } from './listing';
import { FtpConnectionError } from './reply';
import { UploadConnection, type SessionTimeouts, type SharedKnowledge } from './upload-connection';

export type { FtpAccount } from './connection';
export type { SessionTimeouts, UploadOptions } from './upload-connection';

/** Chunks, as they come from the socket: up to 64 KiB each. Counting bytes would make the stream copy them together. */
const DOWNLOAD_BUFFER_CHUNKS = 8;

/**
 * Methods throw `FtpReplyError` for a negative reply and `FtpConnectionError` when the connection failed; after the
 * latter, and whenever `usable` is false, the session must be given up. Paths are those of `assertRemotePath`.
 */
export class FtpSession extends UploadConnection {
  /** RETR was sent along with REST, whose answer is still to come. */
  private restarting = false;
  /** What an RNFR that waits for its RNTO has named. */
  private renameSource: string | undefined;
  /** The server may remember an RNFR that came to nothing: RNTO must not be sent blindly any more. */
  private renamesApart = false;

  /** Connects and logs in. Without `traits` it sends one command at a time, and prepares nothing. */
  static async open(
    account: FtpAccount,
    timeouts: SessionTimeouts = {},
    shared: SharedKnowledge = {},
  ): Promise<FtpSession> {
    const session = new FtpSession(account, timeouts, shared);
    try {
      await session.logIn();
      return session;
    } catch (error) {
      session.close();
      throw error;
    }
  }

  /** Also false while an RNFR waits for its RNTO: whoever gives the session back then has given it up. */
  override get usable(): boolean {
    return super.usable && this.renameSource === undefined;
  }

  /** Bytes of a file. */
  async size(path: string): Promise<number> {
    await this.free();
    return this.sizeOf(await this.run('SIZE', () => this.client.send(`SIZE ${path}`)));
  }

  /** Bytes of a file that is to be renamed next: saves that a round trip. Any other command gives the session up, since proftpd refuses it. */
  async sizeBeforeRename(path: string): Promise<number> {
    if (this.traits.pipelines !== true) return this.size(path);
    await this.free();
    const [size, source] = await this.together('SIZE', [`SIZE ${path}`, `RNFR ${path}`]);
    if (source.code < 400) this.renameSource = path;
    if (size.code >= 400) throw this.refusal('SIZE', size);
    return this.sizeOf(size);
  }

  /** Reads a directory. Throws `FtpConnectionError` for a listing that is not whole. */
  async list(directory: string): Promise<ParsedListing> {
    await this.free();
    const hasMlsd = this.features.has('MLST');
    this.client.availableListCommands = [hasMlsd ? 'MLSD' : 'LIST -a'];
    // LIST answers success and nothing for a missing directory on vsftpd, and takes a path for a pattern on pure-ftpd: enter it first.
    if (!hasMlsd) await this.changeDirectory(directory);
    await this.transfer(hasMlsd ? 'MLSD' : 'LIST', () => this.client.list(hasMlsd ? directory : ''));
    try {
      if (/truncated/i.test(this.lastReply)) throw new TruncatedListingError(this.lastReply.trim());
      return hasMlsd ? parseMlsd(this.listing) : parseUnixOrDosList(this.listing);
    } catch (error) {
      throw new FtpConnectionError(hasMlsd ? 'MLSD' : 'LIST', error);
    } finally {
      this.listing = '';
    }
  }

  /** Yields a file from byte `startAt` to its end. Ending the iteration early gives the session up. */
  async *download(path: string, startAt = 0): AsyncGenerator<Buffer, void, void> {
    await this.free();
    const sink = new PassThrough({ objectMode: true, highWaterMark: DOWNLOAD_BUFFER_CHUNKS });
    let failure: { readonly error: unknown } | undefined;
    let confirmed = false;
    const transfer = this.transfer('RETR', () => this.client.downloadTo(sink, path, startAt)).then(
      () => {
        confirmed = true;
      },
      (error: unknown) => {
        failure = { error };
        sink.destroy();
      },
    );
    try {
      try {
        for await (const chunk of sink as AsyncIterable<Buffer>) yield chunk;
      } catch (error) {
        failure ??= { error: new FtpConnectionError('RETR', error) };
      }
      await transfer;
      if (failure) throw failure.error;
    } finally {
      if (!confirmed && !failure) this.close();
    }
  }

  /** Tells the library that the server consents to begin at a byte, before it can know. */
  protected override commandSent(command: string | undefined): void {
    const { pipelines, restartsAhead } = this.traits;
    if (pipelines === true && restartsAhead && command?.startsWith('REST ')) {
      this.restarting = true;
      this.tellLibrary({ code: 350, message: '350 Sent at once.' });
    } else super.commandSent(command);
  }

  protected override sortOut(reply: Error | FTPResponse): Error | FTPResponse | undefined {
    if (!this.restarting || (reply instanceof Error && !(reply instanceof FTPError)))
      return super.sortOut(reply);
    this.restarting = false;
    if (reply.code === 350) return undefined;
    // What it sends begins at another byte.
    this.traits.restartsAhead = false;
    return this.outOfStep('REST', reply.message);
  }

  /**
   * Renames; where the server allows it, over an existing file. The error's verb tells which half failed; RNTO may have been carried out if its reply is lost.
   * @param beforeTransfer a transfer is likely next: asks for the port of its data connection along with it
   */
  async rename(from: string, to: string, { beforeTransfer = false } = {}): Promise<void> {
    const port = beforeTransfer ? this.portRequest : [];
    if (this.renameSource === from) {
      this.renameSource = undefined;
      return this.renameTo(to, port);
    }
    await this.free();
    if (this.traits.pipelines !== true || this.renamesApart) {
      await this.run('RNFR', () => this.client.send(`RNFR ${from}`));
      return this.renameTo(to, port);
    }
    const commands = [`RNFR ${from}`, `RNTO ${to}`, ...port] as const;
    const [source, target, portReply] = await this.together('RNTO', commands);
    this.keepPort(portReply);
    if (isIntermediate(source) && isCompletion(target)) return;
    this.renamesApart = true;
    if (source.code >= 400 && target.code >= 400) throw this.refusal('RNFR', source);
    if (isIntermediate(source) && target.code >= 400) throw this.refusal('RNTO', target);
    this.traits.pipelines = false;
    throw this.outOfStep('RNTO', `${source.code} to RNFR, ${target.code} to RNTO`);
  }

  private async renameTo(to: string, port: readonly string[]): Promise<void> {
    try {
      const [target, portReply] = await this.together('RNTO', [`RNTO ${to}`, ...port] as const);
      this.keepPort(portReply);
      if (target.code >= 400) throw this.refusal('RNTO', target);
    } catch (error) {
      this.renamesApart = true;
      throw error;
    }
  }

  async remove(path: string): Promise<void> {
    await this.command('DELE', path);
  }

  async makeDir(path: string): Promise<void> {
    await this.command('MKD', path);
  }

  async removeDir(path: string): Promise<void> {
    await this.command('RMD', path);
  }

  async changeDirectory(path: string): Promise<void> {
    await this.command('CWD', path);
  }

  async workingDirectory(): Promise<string> {
    await this.free();
    return this.run('PWD', () => this.client.pwd());
  }

  /**
   * Bytes that may still be stored in a directory; undefined where FEAT does not offer AVBL.
   * Source: draft-peterson-streamlined-ftp-command-extensions, section 4.
   */
  async availableBytes(directory: string): Promise<number | undefined> {
    if (!this.features.has('AVBL')) return undefined;
    await this.free();
    const { message } = await this.run('AVBL', () => this.client.send(`AVBL ${directory}`));
    const bytes = /^213 (\d{1,15})\s*$/.exec(message)?.[1];
    return bytes === undefined ? undefined : Number(bytes);
  }

  async noop(): Promise<void> {
    await this.free();
    await this.run('NOOP', () => this.client.send('NOOP'));
  }

  /** Makes way for a command. */
  protected override async free(): Promise<void> {
    if (this.renameSource !== undefined) this.close();
    await super.free();
  }

  private async command(verb: string, path: string): Promise<void> {
    await this.free();
    await this.run(verb, () => this.client.send(`${verb} ${path}`));
  }

  private sizeOf(reply: FTPResponse): number {
    const size = parseSize(reply);
    if (size === undefined) throw this.outOfStep('SIZE', reply.message);
    return size;
  }
}
