/** One FTP session: a control connection, logged in, used by one caller at a time. */
import { once } from 'node:events';
import { isIP } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { TLSSocket, type ConnectionOptions } from 'node:tls';
import { Client, FTPError } from 'basic-ftp';
import { parseMlsd, parseUnixOrDosList, TruncatedListingError, type ParsedListing } from './listing';
import { FtpConnectionError, FtpReplyError } from './reply';
import { FtpTally } from './tally';

export interface FtpAccount {
  readonly host: string;
  /** @default 21, or 990 for implicit TLS */
  readonly port?: number;
  readonly user: string;
  readonly password: string;
  /** `explicit` upgrades by AUTH TLS, `implicit` starts with TLS, `none` sends password and files in the clear. @default 'explicit' */
  readonly security?: 'explicit' | 'implicit' | 'none';
  /** PEM of the authority that signed the server's certificate. @default those that Node.js trusts */
  readonly ca?: string;
  /** Name that the server's certificate must have. @default the host */
  readonly serverName?: string;
}

export interface SessionTimeouts {
  /** Milliseconds that the server may stay silent during a command or transfer. @default 30,000 */
  readonly silenceMs?: number;
  /** Milliseconds that the server may take to confirm an upload after its last byte: some store it only then. @default 120,000 */
  readonly confirmationMs?: number;
}

const DEFAULT_SILENCE_MS = 30_000;
const DEFAULT_CONFIRMATION_MS = 120_000;
/** Keeps firewalls from forgetting a control connection during a long transfer. */
const TCP_KEEP_ALIVE_MS = 30_000;
/** How long to wait for the reply that explains a broken data connection. */
const EXPLANATION_MS = 3_000;
/** Chunks, as they come from the socket: up to 64 KiB each. Counting bytes would make the stream copy them together. */
const DOWNLOAD_BUFFER_CHUNKS = 8;

/**
 * Methods throw `FtpReplyError` for a negative reply and `FtpConnectionError` when the connection failed; after the
 * latter, and whenever `usable` is false, the session must be given up. Paths are those of `assertRemotePath`.
 */
export class FtpSession {
  private readonly client: Client;
  private features: ReadonlyMap<string, string> = new Map();
  private listing = '';
  private lastReply = '';
  private spoiled = false;

  private constructor(
    private readonly account: FtpAccount,
    private readonly silenceMs: number,
    private readonly confirmationMs: number,
    private readonly tally: FtpTally,
  ) {
    this.client = new Client(silenceMs);
    // The library would hand out parsed entries only, without the lines that it could not read.
    this.client.parseList = (text) => {
      this.listing = text;
      return [];
    };
    // The one place where the library shows the text of a listing's final reply, and what commands it sends by itself.
    this.client.ftp.log = (line) => {
      if (line.startsWith('< ')) this.lastReply = line.slice(2);
      else if (line.startsWith('> ')) this.tally.said(line.slice(2).split(' ', 1)[0] ?? '');
    };
    // A broken data connection would end the control connection with it, and the reply that says why would be lost.
    const closeWithError = this.client.ftp.closeWithError.bind(this.client.ftp);
    this.client.ftp.closeWithError = (error) => {
      if (!isOfDataConnection(error)) closeWithError(error);
    };
  }

  /** Connects and logs in. */
  static async open(
    account: FtpAccount,
    timeouts: SessionTimeouts = {},
    tally = new FtpTally(),
  ): Promise<FtpSession> {
    const session = new FtpSession(
      account,
      timeouts.silenceMs ?? DEFAULT_SILENCE_MS,
      timeouts.confirmationMs ?? DEFAULT_CONFIRMATION_MS,
      tally,
    );
    try {
      await session.logIn();
      return session;
    } catch (error) {
      session.close();
      throw error;
    }
  }

  /** False once the connection broke, or replies may have got out of step. */
  get usable(): boolean {
    return !this.spoiled && !this.client.closed;
  }

  /** Bytes of a file. */
  async size(path: string): Promise<number> {
    return this.run('SIZE', () => this.client.size(path));
  }

  /** Reads a directory. Throws `FtpConnectionError` for a listing that is not whole. */
  async list(directory: string): Promise<ParsedListing> {
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

  /**
   * Stores a file. `body` is opened when the server is ready for it. What `body` throws is thrown unchanged; the server may keep
   * what it got by then.
   */
  async upload(path: string, body: () => AsyncIterable<Buffer>): Promise<void> {
    let bodyFailure: { readonly error: unknown } | undefined;
    const ready = () => this.dataConnectionSecured();
    const sent = () => this.allowSilence(this.confirmationMs);
    async function* source() {
      await ready();
      const chunks = body()[Symbol.asyncIterator]();
      try {
        for (let next = await noted(chunks); !next.done; next = await noted(chunks)) yield next.value;
      } finally {
        await chunks.return?.();
      }
      sent();
    }
    // A stream that is destroyed throws its error into its generator: only what comes out of the body itself is the body's.
    const noted = async (chunks: AsyncIterator<Buffer>) => {
      try {
        return await chunks.next();
      } catch (error) {
        bodyFailure = { error };
        throw error;
      }
    };
    const stream = Readable.from(source());
    try {
      await this.transfer('STOR', () => this.client.uploadFrom(stream, path));
    } catch (error) {
      throw bodyFailure ? bodyFailure.error : error;
    } finally {
      stream.destroy();
      this.allowSilence(this.silenceMs);
    }
  }

  /** Yields a file from byte `startAt` to its end. Ending the iteration early gives the session up. */
  async *download(path: string, startAt = 0): AsyncGenerator<Buffer, void, void> {
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

  /** Renames; where the server allows it, over an existing file. The error's verb tells which half failed. */
  async rename(from: string, to: string): Promise<void> {
    await this.run('RNFR', () => this.client.send(`RNFR ${from}`));
    await this.run('RNTO', () => this.client.send(`RNTO ${to}`));
  }

  async remove(path: string): Promise<void> {
    await this.run('DELE', () => this.client.send(`DELE ${path}`));
  }

  async makeDir(path: string): Promise<void> {
    await this.run('MKD', () => this.client.send(`MKD ${path}`));
  }

  async removeDir(path: string): Promise<void> {
    await this.run('RMD', () => this.client.send(`RMD ${path}`));
  }

  async changeDirectory(path: string): Promise<void> {
    await this.run('CWD', () => this.client.send(`CWD ${path}`));
  }

  async workingDirectory(): Promise<string> {
    return this.run('PWD', () => this.client.pwd());
  }

  /**
   * Bytes that may still be stored in a directory; undefined where FEAT does not offer AVBL.
   * Source: draft-peterson-streamlined-ftp-command-extensions, section 4.
   */
  async availableBytes(directory: string): Promise<number | undefined> {
    if (!this.features.has('AVBL')) return undefined;
    const { message } = await this.run('AVBL', () => this.client.send(`AVBL ${directory}`));
    const bytes = /^213 (\d{1,15})\s*$/.exec(message)?.[1];
    return bytes === undefined ? undefined : Number(bytes);
  }

  async noop(): Promise<void> {
    await this.run('NOOP', () => this.client.send('NOOP'));
  }

  /** Drops the connection; a command under way fails. */
  close(): void {
    this.spoiled = true;
    this.client.close();
  }

  private async logIn(): Promise<void> {
    const { host, port, user, password, security = 'explicit' } = this.account;
    await this.run('CONNECT', () =>
      security === 'implicit'
        ? this.client.connectImplicitTLS(host, port ?? 990, this.tlsOptions())
        : this.client.connect(host, port ?? 21),
    );
    if (security === 'explicit') await this.startTls();
    await this.run('PASS', () => this.client.login(user, password));
    this.features = await this.run('FEAT', () => this.client.features());
    await this.run('TYPE', () => this.client.send('TYPE I'));
    if (security !== 'none') {
      await this.run('PBSZ', () => this.client.send('PBSZ 0'));
      await this.run('PROT', () => this.client.send('PROT P'));
    }
    await this.requestFacts();
    this.client.ftp.socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
    this.noteCertificate();
  }

  private noteCertificate(): void {
    const { socket } = this.client.ftp;
    // Empty once a TLS session is taken up again, which shows no certificate.
    const until = socket instanceof TLSSocket ? Date.parse(socket.getPeerCertificate().valid_to) : NaN;
    if (!Number.isNaN(until)) this.tally.certificateExpiresAt = until;
  }

  /** AUTH TLS and the handshake, which the library lets take for ever. */
  private async startTls(): Promise<void> {
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), this.silenceMs);
    const timedOut = once(timeout.signal, 'abort').then(() => {
      throw new Error('Timeout (TLS handshake)');
    });
    try {
      await this.run('AUTH', () => Promise.race([this.client.useTLS(this.tlsOptions()), timedOut]));
    } finally {
      clearTimeout(timer);
    }
  }

  private tlsOptions(): ConnectionOptions {
    const { host, ca, serverName } = this.account;
    const servername = serverName ?? (isIP(host) ? undefined : host);
    return {
      host,
      minVersion: 'TLSv1.2',
      ...(ca === undefined ? {} : { ca }),
      ...(servername === undefined ? {} : { servername }),
    };
  }

  /** Asks MLSD for the facts that listings need, if they are not on. FEAT marks those that are with a star (RFC 3659, section 7.8). */
  private async requestFacts(): Promise<void> {
    const offered = this.features.get('MLST')?.toLowerCase();
    if (offered === undefined || ['type*', 'size*', 'modify*'].every((fact) => offered.includes(fact)))
      return;
    await this.run('OPTS', () => this.client.sendIgnoringError('OPTS MLST type;size;modify;'));
  }

  /**
   * Resolves when the TLS handshake of the data connection is through. An upload that ends before, as an empty one does, breaks
   * the connection on vsftpd and proftpd.
   */
  private async dataConnectionSecured(): Promise<void> {
    const { dataSocket } = this.client.ftp;
    if (!(dataSocket instanceof TLSSocket)) return;
    // Certificates are always verified, so `authorized` says that the handshake is over.
    if (!dataSocket.authorized) await once(dataSocket, 'secureConnect');
    // Node.js says so before it sends the last message of the handshake, and an end that comes first cuts that off.
    await nextTurn();
  }

  /** Sets the timeout that the library applies from the next phase of a command on. Its type has it read-only; it is read anew each time. */
  private allowSilence(timeoutMs: number): void {
    const context: { timeout: number } = this.client.ftp;
    context.timeout = timeoutMs;
  }

  /** Runs a command with a data connection: after a failure, replies may be out of step, unless it was a plain refusal. */
  private async transfer<T>(verb: string, command: () => Promise<T>): Promise<T> {
    try {
      return await this.run(verb, async () => {
        try {
          return await command();
        } catch (error) {
          throw (await this.explanationOf(error)) ?? error;
        }
      });
    } catch (error) {
      if (!(error instanceof FtpReplyError && error.replyClass === 'refused')) this.spoiled = true;
      throw error;
    }
  }

  /** The negative reply that goes with a broken data connection, such as the 552 of a full account, if it comes soon. */
  private async explanationOf(error: unknown): Promise<FTPError | undefined> {
    if (error instanceof FTPError || this.client.closed) return undefined;
    const timer = setTimeout(() => this.close(), Math.min(this.silenceMs, EXPLANATION_MS));
    try {
      await this.client.ftp.handle(undefined, (reply, task) => {
        if (reply instanceof Error) task.reject(reply);
        else if (reply.code >= 200) task.resolve(reply);
      });
      return undefined;
    } catch (reply) {
      return reply instanceof FTPError ? reply : undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  private async run<T>(verb: string, command: () => Promise<T>): Promise<T> {
    try {
      const result = await command();
      this.tally.ended('positive');
      return result;
    } catch (error) {
      if (!(error instanceof FTPError)) {
        this.tally.ended('connection-failed');
        this.close();
        throw new FtpConnectionError(verb, error);
      }
      // 421 says that the server hangs up, 530 that it no longer knows us.
      if (error.code === 421 || error.code === 530) this.close();
      const failure = new FtpReplyError(verb, error.code, error.message);
      this.tally.ended(failure.replyClass);
      throw failure;
    }
  }
}

/**
 * Whether the library reports a failure of the data connection that it reports to the running transfer, too. It does not so for a
 * stalled one.
 */
function isOfDataConnection(error: Error): boolean {
  if ('code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE') return true;
  return error.message.endsWith('(data socket)') && !error.message.startsWith('Timeout');
}
