/** Keeps the connections that have not asked for anything yet: to Node those are not idle, and a server that stops would wait for them. */
import type { Socket } from 'node:net';

/** What names a connection on both sides of its TLS: the peer. */
type Peer = Pick<Socket, 'remoteAddress' | 'remotePort'>;

export class SilentConnections {
  readonly #sockets = new Map<string, Socket>();

  /** A connection has been made. */
  add(socket: Socket): void {
    const peer = nameOf(socket);
    this.#sockets.set(peer, socket);
    socket.once('close', () => {
      if (this.#sockets.get(peer) === socket) this.#sockets.delete(peer);
    });
  }

  /** It has asked for something. */
  speaks(peer: Peer): void {
    this.#sockets.delete(nameOf(peer));
  }

  destroy(): void {
    for (const socket of this.#sockets.values()) socket.destroy();
  }
}

function nameOf({ remoteAddress = '', remotePort = 0 }: Peer): string {
  return `${remoteAddress} ${remotePort}`;
}
