/**
 * Stands between a command and the API server: passes requests on, and answers some itself. So tests play what needs a kubelet (logs,
 * the proxy to a pod) and what a healthy server never does (broken connections, expired tokens, lost races).
 */
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ApiServer } from './api-server';

export interface PlayedAnswer {
  /** @default 200 */
  readonly status?: number;
  /** Text, or an object sent as JSON. */
  readonly body?: string | object;
}

/** What to do with a request: answer it, break the connection, or (undefined) pass it on. */
export type Play = (method: string, path: string) => PlayedAnswer | 'break' | undefined;

export class ApiFront {
  /** May be changed at any time. */
  play: Play = () => undefined;

  private constructor(
    private readonly api: Pick<ApiServer, 'url' | 'ca'>,
    private readonly server: Server,
    /** http://127.0.0.1:<port> */
    readonly url: string,
  ) {}

  static async start(api: ApiServer): Promise<ApiFront> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const front = new ApiFront(api, server, `http://127.0.0.1:${port}`);
    server.on('request', (request, response) => front.handle(request, response));
    return front;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private handle(request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '' } = request;
    const played = this.play(method, url);
    if (played === 'break') return void request.socket.destroy();
    if (played === undefined) return this.passOn(request, response);
    const { status = 200, body = '' } = played;
    response.writeHead(status, {
      'content-type': typeof body === 'string' ? 'text/plain' : 'application/json',
    });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  }

  private passOn(request: IncomingMessage, response: ServerResponse): void {
    const { method, headers, url = '' } = request;
    const send = this.api.url.startsWith('https:') ? httpsRequest : httpRequest;
    const onward = send(`${this.api.url}${url}`, { method, headers, ca: this.api.ca }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  }
}

/** The body of a refusal, as the API server words it. */
export function refusal(code: number, reason: string, message: string): PlayedAnswer {
  return {
    status: code,
    body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message },
  };
}
