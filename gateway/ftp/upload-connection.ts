/** The uploads of an FTP session: what is prepared for them, sent along with them, and heard of them meanwhile. */
import { Readable } from 'node:stream';
import { FTPError, type FTPContext, type FTPResponse } from 'basic-ftp';
import { FtpConnection, isCompletion, type FtpAccount } from './connection';
import { EarlySize } from './early-size';
import { parentOf } from './remote-path';
import { FtpConnectionError, isRefusal, type FtpReplyError } from './reply';
import { plainServerTraits, type ServerTraits } from './server-traits';
import { FtpTally } from './tally';
import { withResolvers } from './with-resolvers';

export interface SessionTimeouts {
  /** Milliseconds that the server may stay silent during a command or transfer. @default 30,000 */
  readonly silenceMs?: number;
  /** Milliseconds that the server may take to confirm an upload after its last byte: some store it only then. @default 120,000 */
  readonly confirmationMs?: number;
}

/** What the sessions to one server know and count together. */
export interface SharedKnowledge {
  readonly traits?: ServerTraits;
  readonly tally?: FtpTally;
}

const DEFAULT_SILENCE_MS = 30_000;
const DEFAULT_CONFIRMATION_MS = 120_000;

type Body = () => AsyncIterable<Buffer>;

export interface UploadOptions {
  /** Directories to make first, each after those before it: their commands go out along with the upload's. */
  readonly directories?: readonly string[];
  /** Told as soon as they are answered, which may be long before the upload is over: what was refused, in the places of those that it concerns. */
  readonly onDirectories?: (refusals: readonly (FtpReplyError | undefined)[]) => void;
  /** Sends the body without waiting for the server's consent, if the data connection is there already. @default false */
  readonly startsAtOnce?: boolean;
  /** A path that nobody else uses, where the upload after this one may begin before its bytes are there. */
  readonly next?: string;
}

/** An upload that the server has consented to, and whose bytes are still to come. */
interface BegunUpload {
  readonly path: string;
  readonly send: (body: Body) => void;
  /** As `store` returns it. */
  readonly stored: Promise<number | undefined>;
}

export abstract class UploadConnection extends FtpConnection {
  /** A data connection being made ahead; never rejects. */
  private preparing: Promise<void> | undefined;
  private begun: BegunUpload | undefined;
  private isBeginning = false;
  /** Where an upload may begin ahead; each is used once. */
  private next: string | undefined;
  private readonly confirmationMs: number;
  /** Set while the confirmation of an upload, and the answer to a SIZE sent before it, are awaited. */
  private early: EarlySize | undefined;
  private uploadAnswered = false;
  /** Directories whose MKD goes out with the next upload. */
  private making: readonly string[] = [];
  /** Replies to MKD that are still to come before those of the upload, and those that came. */
  private awaitedReplies = 0;
  private madeReplies: FTPResponse[] = [];
  private onMade: (refusals: readonly (FtpReplyError | undefined)[]) => void = () => undefined;
  private startsAtOnce = false;
  private consented = false;

  protected constructor(
    account: FtpAccount,
    { silenceMs = DEFAULT_SILENCE_MS, confirmationMs = DEFAULT_CONFIRMATION_MS }: SessionTimeouts,
    { traits = plainServerTraits(), tally = new FtpTally() }: SharedKnowledge,
  ) {
    super(account, silenceMs, traits, tally);
    this.confirmationMs = confirmationMs;
  }

  /** Whether it has a data connection, so that a transfer needs no round trip more. `undefined` while it makes one. */
  get isPrepared(): boolean | undefined {
    return this.preparing ? undefined : this.hasDataConnection;
  }

  /** Whether an upload has begun, or is about to, so that its bytes can go out at once. Anything else has to end it first. */
  get hasBegun(): boolean {
    return this.begun !== undefined || this.isBeginning;
  }

  /**
   * Makes a data connection in the background, for the transfer that is likely next.
   * @param begins an upload too, if one may: with TLS the server's consent and the handshake take round trips, which bytes cannot be sent along with
   */
  prepare(begins = false): void {
    if (this.traits.pipelines !== true || !this.usable || this.isPrepared !== false) return;
    const path = begins ? this.takeNext() : undefined;
    this.isBeginning = path !== undefined;
    // What fails in the background is tried again when it is needed, and is an error then.
    const done = () => {
      this.preparing = undefined;
      this.isBeginning = false;
    };
    this.preparing = this.dataConnection(this.client.ftp)
      .then(() => (path === undefined ? undefined : this.begin(path)))
      .then(done, done);
  }

  /** Drops what `prepare` made. */
  async unprepare(): Promise<void> {
    await this.free();
    this.client.ftp.dataSocket = undefined;
  }

  /** Where an upload has begun, if that is in `directory`; waits for one that is about to. `upload` to that path goes on with it. */
  async begunIn(directory: string): Promise<string | undefined> {
    await this.preparing;
    const path = this.begun?.path;
    return path !== undefined && parentOf(path) === directory ? path : undefined;
  }

  /** Where an upload may begin now. */
  private takeNext(): string | undefined {
    const { next } = this;
    this.next = undefined;
    return this.client.ftp.hasTLS && this.traits.beginning.isAllowed ? next : undefined;
  }

  /** Resolves once the server waits for the bytes. Never rejects. */
  private async begin(path: string): Promise<void> {
    const later = withResolvers<Body>();
    // The bytes may never be asked for.
    later.promise.catch(() => undefined);
    const drop = () => later.reject(new FtpConnectionError('STOR', new Error('ended before its bytes came')));
    this.client.ftp.dataSocket?.once('close', drop);
    const awaited = withResolvers<void>();
    const stored = this.store(path, async function* () {
      awaited.resolve();
      yield* (await later.promise)();
    });
    const begun: BegunUpload = { path, send: later.resolve, stored };
    const failed = stored.then(
      () => undefined,
      () => {
        if (this.begun !== begun) return;
        this.begun = undefined;
        this.traits.beginning.failed();
      },
    );
    this.begun = begun;
    await Promise.race([awaited.promise, failed]);
  }

  /** Lets an upload that has begun end without bytes, and removes its file. */
  private async endBegun({ path, send, stored }: BegunUpload): Promise<void> {
    this.begun = undefined;
    send(noBytes);
    try {
      await stored;
    } catch (error) {
      // Whatever it says, it says nothing about the command that comes next.
      this.close();
      throw new FtpConnectionError('STOR', error);
    }
    await this.run('DELE', () => this.client.sendIgnoringError(`DELE ${path}`));
  }

  /**
   * Stores a file. `body` is opened when the server is ready for it, or at once; the server may keep what it got of a body that failed. What `body`
   * throws is thrown unchanged. To a path where an upload has begun, without directories, its bytes go out at once.
   * @returns bytes that the server has counted, if it said so along with its confirmation: no other number than that of the bytes sent is final
   */
  async upload(path: string, body: Body, options: UploadOptions = {}): Promise<number | undefined> {
    const { directories = [], onDirectories = () => undefined, startsAtOnce = false } = options;
    await this.preparing;
    this.next = options.next;
    const { begun } = this;
    if (begun?.path === path && directories.length === 0) {
      this.begun = undefined;
      begun.send(body);
      const size = await begun.stored;
      this.traits.beginning.succeeded();
      return size;
    }
    await this.free();
    if (this.traits.pipelines !== true) {
      if (directories.length > 0) onDirectories(await this.makeDirs(directories));
      return this.store(path, body);
    }
    this.making = directories;
    this.madeReplies = [];
    this.onMade = onDirectories;
    this.startsAtOnce = startsAtOnce && this.takesBytes && this.traits.startsUploads;
    try {
      return await this.store(path, body);
    } finally {
      this.making = [];
      this.startsAtOnce = false;
    }
  }

  private async store(path: string, body: Body): Promise<number | undefined> {
    let bodyFailure: { readonly error: unknown } | undefined;
    let bytes = 0;
    const ready = () => this.dataConnectionSecured();
    const sent = () => this.allowSilence(this.confirmationMs);
    let isOver = false;
    const askSize = () => this.askSizeEarly(path, bytes, () => isOver);
    async function* source() {
      await ready();
      const chunks = body()[Symbol.asyncIterator]();
      try {
        for (let next = await noted(chunks); !next.done; next = await noted(chunks)) {
          bytes += next.value.length;
          yield next.value;
        }
      } finally {
        await chunks.return?.();
      }
      sent();
      askSize();
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
    this.consented = false;
    const stream = Readable.from(source());
    try {
      await this.transfer('STOR', () => this.client.uploadFrom(stream, path));
      this.traits.sizing.learn(this.early?.outcome ?? 'late');
      return this.early?.size;
    } catch (error) {
      if (this.early?.isHalfAnswered) this.traits.sizing.giveUp();
      if (this.startsAtOnce && !this.consented && !isRefusal(error)) this.traits.startsUploads = false;
      throw bodyFailure ? bodyFailure.error : error;
    } finally {
      isOver = true;
      this.early = undefined;
      stream.destroy();
      this.allowSilence(this.silenceMs);
    }
  }

  /** Sends SIZE behind the last of `bytes`, when that has arrived, as far as can be told from those before. */
  private askSizeEarly(path: string, bytes: number, isOver: () => boolean): void {
    const command = EarlySize.command(path);
    const { pipelines, sizing } = this.traits;
    if (!sizing.isEarly || pipelines !== true || command === undefined) return;
    this.uploadAnswered = false;
    const send = () => this.client.ftp.send(command);
    const ask = () => {
      // Never during another upload: a reply that nobody awaits would be taken for that to the next command.
      if (isOver() || this.uploadAnswered || !this.usable) return;
      this.early = new EarlySize(bytes, send);
      send();
    };
    this.client.ftp.dataSocket?.once('finish', () => {
      if (sizing.delayMs === 0) ask();
      else setTimeout(ask, sizing.delayMs);
    });
  }

  /** With a data connection at hand, sends the commands that go before an upload's own. */
  protected override async dataConnection(ftp: FTPContext): Promise<FTPResponse> {
    const reply = await super.dataConnection(ftp);
    if (this.making.length === 0) return reply;
    const { socket } = ftp;
    socket.cork();
    for (const path of this.making) ftp.send(`MKD ${path}`);
    this.awaitedReplies = this.making.length;
    // By then the upload's own command has joined them.
    process.nextTick(() => socket.uncork());
    return reply;
  }

  /** Tells the library that the server consents to an upload, before it can know. */
  protected override commandSent(command: string | undefined): void {
    if (this.startsAtOnce && command?.startsWith('STOR '))
      this.tellLibrary({ code: 150, message: '150 Sent at once.' });
  }

  /** Keeps the answers to an upload and to its SIZE apart. Returns what the library shall see now. */
  protected override sortOut(reply: Error | FTPResponse): Error | FTPResponse | undefined {
    if (reply instanceof Error && !(reply instanceof FTPError)) return reply;
    if (this.awaitedReplies > 0) {
      if (reply.code < 200) return undefined;
      this.awaitedReplies -= 1;
      this.madeReplies.push({ code: reply.code, message: reply.message });
      if (this.awaitedReplies === 0) this.onMade(this.refusals('MKD', this.madeReplies));
      return undefined;
    }
    this.consented = true;
    if (reply.code < 200) return reply;
    this.uploadAnswered = true;
    return this.early ? this.early.take(reply) : reply;
  }

  /** Makes directories in this order. Returns what was refused, in the places of those that it concerns. */
  async makeDirs(paths: readonly string[]): Promise<(FtpReplyError | undefined)[]> {
    await this.free();
    const commands = paths.map((path) => `MKD ${path}`);
    const replies: FTPResponse[] = [];
    if (this.traits.pipelines === true) replies.push(...(await this.together('MKD', commands)));
    else for (const command of commands) replies.push(...(await this.together('MKD', [command])));
    return this.refusals('MKD', replies);
  }

  private refusals(verb: string, replies: readonly FTPResponse[]): (FtpReplyError | undefined)[] {
    return replies.map((reply) => (isCompletion(reply) ? undefined : this.refusal(verb, reply)));
  }

  /** Makes way for a command. */
  protected async free(): Promise<void> {
    await this.preparing;
    if (this.begun) await this.endBegun(this.begun);
  }
}

async function* noBytes(): AsyncGenerator<Buffer, void, void> {
  // There are none.
}
