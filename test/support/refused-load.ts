/** Wrongly signed uploads, as fast as they are turned away. */
import { connect } from 'node:net';
import { sha256Hex, signRequest } from './sign-request';

export interface RefusedLoadOptions {
  readonly port: number;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly requests: number;
  readonly connections: number;
  /** What each declares, in bytes. */
  readonly bodyBytes: number;
  /** What each sends of that unless it is answered before, in bytes; then it waits. */
  readonly sentBytes: number;
}

export interface RefusedLoadResult {
  /** By status; 0 for a connection that ended without an answer. */
  readonly answers: Readonly<Record<number, number>>;
}

const PIECE = Buffer.alloc(16 * 1024);

/** Each on a connection of its own. */
export async function sendRefused(options: RefusedLoadOptions): Promise<RefusedLoadResult> {
  const { port, bucket, accessKeyId, requests, connections, bodyBytes, sentBytes } = options;
  const request = {
    method: 'PUT',
    target: `/${bucket}/refused`,
    headers: { host: `127.0.0.1:${port}`, 'content-length': `${bodyBytes}` },
    payloadHash: sha256Hex('never sent'),
  };
  const { headers } = signRequest(request, {
    accessKeyId,
    secretAccessKey: 'not the secret',
    at: Date.now(),
  });
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = Buffer.from(`PUT ${request.target} HTTP/1.1\r\n${lines.join('')}\r\n`);
  const answers: Record<number, number> = {};
  let left = requests;
  const work = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const status = await sendOne(port, head, sentBytes);
      answers[status] = (answers[status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, work));
  return { answers };
}

function sendOne(port: number, head: Buffer, sentBytes: number): Promise<number> {
  return new Promise((resolve) => {
    let sent = 0;
    let status = 0;
    const socket = connect(port, '127.0.0.1');
    const send = (): void => {
      while (status === 0 && sent < sentBytes && !socket.destroyed) {
        sent += PIECE.length;
        if (!socket.write(PIECE)) return;
      }
    };
    socket.on('error', () => undefined);
    socket.on('drain', send);
    socket.on('data', (piece) => {
      status = Number(/^HTTP\/1\.1 (\d{3})/.exec(piece.toString('latin1'))?.[1] ?? status);
      socket.destroy();
    });
    socket.on('close', () => resolve(status));
    socket.write(head);
    send();
  });
}
