/** The two connections of an FTP session: logging in, commands and their replies, one at a time. */
import { once } from 'node:events';
import { isIP } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createSecureContext, TLSSocket, type ConnectionOptions, type SecureContext } from 'node:tls';
import { Client, enterPassiveModeIPv6, FTPError, type FTPContext, type FTPResponse } from 'basic-ftp';
import { FtpConnectionError, FtpReplyError } from './reply';
import type { ServerTraits } from './server-traits';
import type { FtpTally } from './tally';

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

/** Keeps firewalls from forgetting a control connection during a long transfer. */
const TCP_KEEP_ALIVE_MS = 30_000;
/** How long to wait for the reply that explains a broken data connection. */
const EXPLANATION_MS = 3_000;
/** How the library asks for a port (RFC 2428, section 3). */
const PORT_REQUEST = 'EPSV';
/** For the key exchange of TLS, in OpenSSL's order. */
const GROUPS = ['X25519', 'prime256v1', 'secp384r1', 'secp521r1'];

export abstract class FtpConnection {
  protected readonly client: Client;
  protected features: ReadonlyMap<string, string> = new Map();
  protected listing = '';
  protected lastReply = '';
  private spoiled = false;
  private secureContext: SecureContext | undefined;
  private told: FTPResponse | undefined;
  /** The port of the next data connection, which was asked for before anybody wanted it. */
  private portReply: FTPResponse | undefined;
  /** Makes a data connection: at first the library's search for a way that works, then that way. */
  private connectData: Client['prepareTransfer'];

  protected constructor(
    private readonly account: FtpAccount,
    protected readonly silenceMs: number,
    protected readonly traits: ServerTraits,
    private readonly tally: FtpTally,
  ) {
    this.client = new Client(silenceMs);
    this.connectData = this.client.prepareTransfer;
    this.client.prepareTransfer = (ftp) => this.dataConnection(ftp);
    const handle = this.client.ftp.handle.bind(this.client.ftp);
    this.client.ftp.handle = (command, respond) => {
      const port = command === PORT_REQUEST ? this.portReply : undefined;
      this.portReply = undefined;
      const answered = handle(port ? undefined : command, (reply, task) => {
        const taken = reply === this.told ? reply : this.sortOut(reply);
        if (taken) respond(taken, task);
      });
      if (port) this.tellLibrary(port);
      else this.commandSent(command);
      return answered;
    };
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

  /** False once the connection broke, or replies may have got out of step. */
  get usable(): boolean {
    return !this.spoiled && !this.client.closed;
  }

  /** Drops the connection; a command under way fails. */
  close(): void {
    this.spoiled = true;
    this.client.close();
  }

  /** A command has just been sent, and its task waits for replies. */
  protected abstract commandSent(command: string | undefined): void;

  /** Hands a reply that the server did not send to whoever waits for one. */
  protected tellLibrary(reply: FTPResponse): void {
    this.told = reply;
    this.client.ftp['_passToHandler'](reply);
  }

  /** A reply as the library shall see it; undefined to keep it back. */
  protected abstract sortOut(reply: Error | FTPResponse): Error | FTPResponse | undefined;

  protected async logIn(): Promise<void> {
    const { host, port, user, password, security = 'explicit' } = this.account;
    await this.run('CONNECT', () =>
      security === 'implicit'
        ? this.client.connectImplicitTLS(host, port ?? 990, this.tlsOptions())
        : this.client.connect(host, port ?? 21),
    );
    if (security === 'explicit') await this.startTls();
    this.noteGroup();
    await this.run('PASS', () => this.client.login(user, password));
    this.features = await this.run('FEAT', () => this.client.features());
    await this.run('TYPE', () => this.client.send('TYPE I'));
    if (security !== 'none') {
      await this.run('PBSZ', () => this.client.send('PBSZ 0'));
      await this.run('PROT', () => this.client.send('PROT P'));
    }
    await this.requestFacts();
    if (this.traits.pipelines === undefined) await this.tryPipelining();
    // Without it, of two commands sent one after the other the second waits until the first has arrived.
    this.client.ftp.socket.setNoDelay(true);
    this.client.ftp.socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
    this.noteCertificate();
  }

  /**
   * Of the groups for a key exchange, OpenSSL makes a share for the first only, and a server that wants another takes a round trip more to say so
   * (RFC 8446, section 2.1): vsftpd and pure-ftpd do. So the server's own goes first from now on.
   */
  private noteGroup(): void {
    const { socket } = this.client.ftp;
    const key = socket instanceof TLSSocket ? socket.getEphemeralKeyInfo() : null;
    const group = GROUPS.find((name) => key && 'name' in key && key.name === name);
    if (group === undefined || group === this.traits.group) return;
    this.traits.group = group;
    this.secureContext = undefined;
    this.client.ftp.tlsOptions = this.tlsOptions();
  }

  private noteCertificate(): void {
    const { socket } = this.client.ftp;
    // Empty once a TLS session is taken up again, which shows no certificate.
    const until = socket instanceof TLSSocket ? Date.parse(socket.getPeerCertificate().valid_to) : NaN;
    if (!Number.isNaN(until)) this.tally.certificateExpiresAt = until;
  }

  protected async tryPipelining(): Promise<void> {
    try {
      const replies = await this.together('NOOP', ['NOOP', 'NOOP']);
      this.traits.pipelines = replies.every(isCompletion);
    } catch (error) {
      this.traits.pipelines = false;
      throw error;
    }
  }

  protected async startTls(): Promise<void> {
    await this.run('AUTH', () => this.inTime(this.client.useTLS(this.tlsOptions()), 'control socket'));
  }

  /** For TLS handshakes, which the library lets take for ever. */
  private async inTime<T>(handshake: Promise<T>, of: string): Promise<T> {
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), this.silenceMs);
    const timedOut = once(timeout.signal, 'abort').then(() => {
      throw new Error(`Timeout (TLS handshake, ${of})`);
    });
    try {
      return await Promise.race([handshake, timedOut]);
    } finally {
      clearTimeout(timer);
    }
  }

  private tlsOptions(): ConnectionOptions {
    const { host, serverName } = this.account;
    const servername = serverName ?? (isIP(host) ? undefined : host);
    return {
      host,
      secureContext: (this.secureContext ??= this.makeSecureContext()),
      ...(servername === undefined ? {} : { servername }),
    };
  }

  /** One for all connections of the session: to make one means to read the authorities. */
  private makeSecureContext(): SecureContext {
    const { ca } = this.account;
    const { group } = this.traits;
    return createSecureContext({
      minVersion: 'TLSv1.2',
      ...(group !== undefined && { ecdhCurve: [...new Set([group, ...GROUPS])].join(':') }),
      ...(ca !== undefined && { ca }),
    });
  }

  /** Asks MLSD for the facts that listings need, if they are not on. FEAT marks those that are with a star (RFC 3659, section 7.8). */
  protected async requestFacts(): Promise<void> {
    const offered = this.features.get('MLST')?.toLowerCase();
    if (offered === undefined || ['type*', 'size*', 'modify*'].every((fact) => offered.includes(fact)))
      return;
    await this.run('OPTS', () => this.client.sendIgnoringError('OPTS MLST type;size;modify;'));
  }

  /**
   * Resolves when the TLS handshake of the data connection is through. An upload that ends before, as an empty one does, breaks
   * the connection on vsftpd and proftpd.
   */
  protected async dataConnectionSecured(): Promise<void> {
    const { dataSocket } = this.client.ftp;
    if (!(dataSocket instanceof TLSSocket)) return;
    // Certificates are always verified, so `authorized` says that the handshake is over.
    if (!dataSocket.authorized) await this.inTime(once(dataSocket, 'secureConnect'), 'data connection');
    // Node.js says so before it sends the last message of the handshake, and an end that comes first cuts that off.
    await nextTurn();
  }

  /** Whether bytes can be sent on the data connection now, whatever the server says. With TLS it has to consent first. */
  protected get takesBytes(): boolean {
    return this.hasDataConnection && !(this.client.ftp.dataSocket instanceof TLSSocket);
  }

  protected get hasDataConnection(): boolean {
    const { dataSocket } = this.client.ftp;
    return dataSocket !== undefined && dataSocket.readable && dataSocket.writable;
  }

  /** To be sent with other commands for a port, whose reply goes to `keepPort`; empty where it is not known to work. */
  protected get portRequest(): readonly string[] {
    return this.traits.pipelines === true && this.connectData === enterPassiveModeIPv6 ? [PORT_REQUEST] : [];
  }

  /** For the next data connection, if nothing else is sent before it is made. */
  protected keepPort(reply: FTPResponse | undefined): void {
    if (reply && isCompletion(reply)) this.portReply = reply;
  }

  /** Stands in for the library's way to make a data connection: takes the one made ahead, if that still stands. */
  protected async dataConnection(ftp: FTPContext): Promise<FTPResponse> {
    if (this.hasDataConnection) return { code: 200, message: '200 Made ahead.' };
    const { client } = this;
    const { prepareTransfer } = client;
    client.prepareTransfer = this.connectData;
    try {
      return await this.connectData(ftp);
    } finally {
      // The library puts the way that it found here.
      this.connectData = client.prepareTransfer;
      client.prepareTransfer = prepareTransfer;
      ftp.dataSocket?.setNoDelay(true);
    }
  }

  /** Sends commands in one go and returns their replies, negative ones too. `verb` is for the error of a broken connection. */
  protected async together<const T extends readonly string[]>(
    verb: string,
    commands: T,
  ): Promise<{ readonly [K in keyof T]: FTPResponse }> {
    const replies: FTPResponse[] = [];
    await this.run(verb, async () => {
      const { ftp } = this.client;
      const answered = ftp.handle(undefined, (reply, task) => {
        if (reply instanceof Error && !(reply instanceof FTPError)) return task.reject(reply);
        if (reply.code >= 200) replies.push(reply);
        if (replies.length === commands.length) task.resolve(undefined);
      });
      ftp.socket.cork();
      for (const command of commands) ftp.send(command);
      ftp.socket.uncork();
      await answered;
    });
    return replies as unknown as { readonly [K in keyof T]: FTPResponse };
  }

  protected refusal(verb: string, { code, message }: FTPResponse): FtpReplyError {
    // 421 says that the server hangs up, 530 that it no longer knows us.
    if (code === 421 || code === 530) this.close();
    const failure = new FtpReplyError(verb, code, message);
    this.tally.ended(failure.replyClass);
    return failure;
  }

  /** Gives the session up: nothing that it hears can be trusted. */
  protected outOfStep(verb: string, what: string): FtpConnectionError {
    this.close();
    return new FtpConnectionError(verb, new Error(`the replies are out of step: ${what}`));
  }

  /** Sets the timeout that the library applies from the next phase of a command on. Its type has it read-only; it is read anew each time. */
  protected allowSilence(timeoutMs: number): void {
    const context: { timeout: number } = this.client.ftp;
    context.timeout = timeoutMs;
  }

  /** Runs a command with a data connection: after a failure, replies may be out of step, unless it was a plain refusal. */
  protected async transfer<T>(verb: string, command: () => Promise<T>): Promise<T> {
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

  protected async run<T>(verb: string, command: () => Promise<T>): Promise<T> {
    try {
      const result = await command();
      this.tally.ended('positive');
      return result;
    } catch (error) {
      if (error instanceof FTPError) throw this.refusal(verb, error);
      this.tally.ended('connection-failed');
      this.close();
      throw new FtpConnectionError(verb, error);
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

export function isIntermediate({ code }: FTPResponse): boolean {
  return code >= 300 && code < 400;
}

export function isCompletion({ code }: FTPResponse): boolean {
  return code >= 200 && code < 300;
}
