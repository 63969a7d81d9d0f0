/** The gateway's directory on local disk: used by one process at a time, and remembering who the gateway is. */

import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';

/** In the directory: answers only while the process lives that uses it, and speaks HTTP, for commands that ask that process something. */
export const ADMIN_SOCKET = 'admin.sock';

export class LocalDirectoryError extends Error {
  override readonly name = 'LocalDirectoryError';
}

export type AdminListener = (request: IncomingMessage, response: ServerResponse) => unknown;

export interface LocalDirectory {
  /** 16 hex digits, the same for every process that ever used this directory. */
  readonly holder: string;
  /** Answers what comes in by the directory's socket; until then that is a 503. */
  serve(listener: AdminListener): void;
  /** Lets the next process in. */
  release(): void;
}

/**
 * Takes the directory, made if missing. Throws `LocalDirectoryError` if it cannot be used or another process uses it: that shows by a socket in it, which
 * answers only while its process lives, also across containers that share the directory.
 */
export async function takeDirectory(directory: string): Promise<LocalDirectory> {
  const socket = join(directory, ADMIN_SOCKET);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (await answers(socket))
      throw new LocalDirectoryError(`another process uses the catalog directory ${directory}`);
    rmSync(socket, { force: true });
    const server = await listen(socket);
    const holder = readHolder(join(directory, 'holder'));
    return {
      holder,
      serve: (listener) =>
        void server.removeAllListeners('request').on('request', (...exchange) => void listener(...exchange)),
      release() {
        server.close();
        server.closeAllConnections();
      },
    };
  } catch (error) {
    if (error instanceof LocalDirectoryError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new LocalDirectoryError(`the catalog directory ${directory} cannot be used: ${reason}`, {
      cause: error,
    });
  }
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    connection.once('connect', () => {
      connection.destroy();
      resolve(true);
    });
    connection.once('error', () => resolve(false));
  });
}

function listen(socket: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(refuse);
    server.once('error', reject);
    server.listen(socket, () => {
      // The directory may be open to others, such as an emptyDir.
      chmodSync(socket, 0o600);
      server.unref();
      resolve(server);
    });
  });
}

function refuse(_request: unknown, response: ServerResponse): void {
  response.writeHead(503).end('the gateway is starting');
}

function readHolder(file: string): string {
  try {
    const holder = readFileSync(file, 'utf8').trim();
    if (/^[0-9a-f]{16}$/.test(holder)) return holder;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const holder = randomBytes(8).toString('hex');
  writeFileSync(file, holder);
  return holder;
}
