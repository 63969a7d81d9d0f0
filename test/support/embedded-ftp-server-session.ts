/** One control connection of the embedded FTP server: lines in, replies out, faults in between. */
import { statSync } from 'node:fs';
import type { Socket } from 'node:net';
import { posix } from 'node:path';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';
import type { EmbeddedFtpServer } from './embedded-ftp-server';
import { COMMANDS, COMMANDS_BEFORE_LOGIN } from './embedded-ftp-server-commands';
import { PassiveListener } from './embedded-ftp-server-data';
import type { FaultAction } from './embedded-ftp-server-faults';

const MAX_LINE_LENGTH = 4_096;

export class EmbeddedFtpSession {
  workingDirectory = '/';
  userName: string | undefined;
  loggedIn = false;
  /** PROT P was sent: data connections use TLS. */
  protectsData = false;
  /** Set by REST for the next transfer. */
  restartAt = 0;
  /** From STOR to its confirmation. */
  isStoring = false;
  /** Set by RNFR for the RNTO that follows. */
  renameFrom: string | undefined;
  /** What to do wrong with the command being obeyed. */
  fault: FaultAction | undefined;
  private control: Socket;
  private passive: PassiveListener | undefined;
  private unread = '';
  private work: Promise<void> = Promise.resolve();
  private gone = false;

  constructor(
    readonly server: EmbeddedFtpServer,
    private readonly socket: Socket,
    /** More connections than allowed: to be turned away. */
    readonly surplus: boolean,
  ) {
    this.control = socket;
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      this.gone = true;
      this.passive?.close();
    });
  }

  start(): void {
    if (this.server.tls === 'implicit') this.secure();
    else this.listen(this.control);
    this.enqueue('CONNECT', '', async () => {
      const { limitReply } = this.server.settings;
      if (!this.surplus || limitReply.startsWith('530')) return this.reply('220 Embedded FTP server ready.');
      await this.reply(limitReply);
    });
  }

  /** Sends the one final reply of a command; 421 ends the connection. */
  async reply(text: string): Promise<void> {
    const { fault } = this;
    if (fault?.kind === 'late-reply') await sleep(fault.ms);
    if (fault?.kind === 'lose-reply') {
      if (fault.with === 'drop') this.reset();
      return;
    }
    await this.write(text);
    if (text.startsWith('421')) this.hangUp();
  }

  /** Sends a preliminary reply, such as the 150 of a transfer. */
  async write(text: string): Promise<void> {
    if (this.server.settings.latencyMs > 0) await sleep(this.server.settings.latencyMs);
    if (!this.gone) this.control.write(`${text}\r\n`);
  }

  /** Upgrades the control connection to TLS. */
  secure(): void {
    const { secureContext } = this.server;
    if (!secureContext) throw new Error('the server has no certificate');
    this.socket.removeAllListeners('data');
    const secure = new TLSSocket(this.socket, { isServer: true, secureContext });
    secure.on('error', () => this.socket.destroy());
    this.control = secure;
    this.listen(secure);
  }

  async openPassive(): Promise<number> {
    this.passive?.close();
    this.passive = await PassiveListener.open(this.server.host);
    return this.passive.port;
  }

  /** The data connection of this transfer, or undefined if the client never asked for one. */
  async dataConnection(): Promise<Socket | undefined> {
    return this.passive?.connection(this.protectsData ? this.server.secureContext : undefined);
  }

  closeData(): void {
    this.passive?.close();
    this.passive = undefined;
  }

  /** Absolute path, as the client sees it. */
  resolve(path: string): string {
    return posix.resolve(this.workingDirectory, path === '' ? '.' : path);
  }

  /** Where a path lies on disk. */
  onDisk(path: string): string {
    return join(this.server.root, this.resolve(path));
  }

  hangUp(): void {
    this.control.end();
    this.socket.destroySoon();
  }

  /** Breaks the control and data connections. */
  reset(): void {
    this.gone = true;
    this.passive?.close();
    this.socket.resetAndDestroy();
  }

  private listen(control: Socket): void {
    control.setEncoding('utf8');
    control.on('data', (chunk: string) => this.receive(chunk));
    control.on('end', () => this.hangUp());
  }

  private receive(chunk: string): void {
    const lines = (this.unread + chunk).split('\r\n');
    this.unread = lines.pop() ?? '';
    if (this.unread.length > MAX_LINE_LENGTH) return this.reset();
    for (const line of lines) this.receiveLine(line);
  }

  private receiveLine(line: string): void {
    const space = line.indexOf(' ');
    const verb = (space < 0 ? line : line.slice(0, space)).toUpperCase();
    const argument = space < 0 ? '' : line.slice(space + 1);
    // Takes effect at once, while the transfer in progress keeps its place in the queue.
    if (verb === 'ABOR') this.closeData();
    if (this.isStoring && this.answerDuringUpload(verb, argument)) return;
    this.enqueue(verb, argument, async () => {
      const known = this.loggedIn ? COMMANDS[verb] : COMMANDS_BEFORE_LOGIN[verb];
      if (known) return known(this, argument);
      await this.reply(COMMANDS[verb] ? '530 Log in first.' : '500 Unknown command.');
    });
  }

  private answerDuringUpload(verb: string, argument: string): boolean {
    switch (this.server.settings.duringUpload) {
      case 'waits':
        return false;
      case 'size':
        if (verb !== 'SIZE') return false;
        this.control.write(`213 ${statSync(this.onDisk(argument)).size}\r\n`);
        return true;
      case 'refused':
        this.control.write('500 Unknown command.\r\n');
        return true;
      case 'lost':
        return true;
    }
  }

  private enqueue(verb: string, argument: string, obey: () => Promise<void>): void {
    this.work = this.work.then(async () => {
      if (this.gone) return;
      this.server.commands.set(verb, this.server.count(verb) + 1);
      const fault = this.server.faults.take(verb, argument);
      try {
        this.fault = fault;
        if (fault?.kind === 'reply') await this.reply(fault.reply);
        else if (fault?.kind === 'drop') this.reset();
        else if (fault?.kind === 'stall') await this.closed();
        else {
          if (fault?.kind === 'delay') await sleep(fault.ms);
          await obey();
        }
      } catch {
        // The client or a fault broke the connection while it was being served.
        this.reset();
      }
    });
  }

  /** Resolves when the connection is gone. */
  closed(): Promise<void> {
    return this.gone
      ? Promise.resolve()
      : new Promise((resolve) => this.socket.once('close', () => resolve()));
  }
}
