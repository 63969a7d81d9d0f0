/** Asks the gateway that runs on this host, or in this pod, over the socket in its catalog directory. */
import { request } from 'node:http';
import { join } from 'node:path';
import { ADMIN_SOCKET } from '../local-directory';

/** No gateway uses that catalog directory now, or none that this user may talk to. */
export class NotRunningError extends Error {
  override readonly name = 'NotRunningError';
}

/** The gateway answered that it cannot do it. */
export class AdminRefusedError extends Error {
  override readonly name = 'AdminRefusedError';
}

export class AdminClient {
  constructor(
    /** `CATALOG_DIR` of the gateway. */
    private readonly directory: string,
  ) {}

  /** The JSON that the gateway answers. Throws `NotRunningError` and `AdminRefusedError`. */
  async call<Answer>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<Answer> {
    const { status, text } = await this.#exchange(method, path, body);
    if (status >= 200 && status < 300) return JSON.parse(text) as Answer;
    throw new AdminRefusedError(`the gateway answers ${status} to ${method} ${path}: ${text}`);
  }

  #exchange(method: string, path: string, body: unknown): Promise<{ status: number; text: string }> {
    const socketPath = join(this.directory, ADMIN_SOCKET);
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const outgoing = request({ socketPath, method, path, headers }, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.once('error', reject);
        incoming.once('end', () =>
          resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
        );
      });
      outgoing.once('error', (cause) =>
        reject(new NotRunningError(`no gateway answers at ${socketPath}: ${cause.message}`, { cause })),
      );
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}
