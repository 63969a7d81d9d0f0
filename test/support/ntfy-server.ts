/**
 * The part of ntfy's publishing API that a webhook with templates uses, by its documentation (https://docs.ntfy.sh/publish/): topic, access token,
 * templates in the query, priority, tags, click, and its limits.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expandGoTemplate } from './go-template';

export interface NtfyMessage {
  readonly topic: string;
  readonly title: string;
  readonly message: string;
  /** 1 to 5. */
  readonly priority: number;
  readonly tags: readonly string[];
  readonly click?: string;
}

const PRIORITIES: Readonly<Record<string, number>> = {
  min: 1,
  low: 2,
  default: 3,
  high: 4,
  urgent: 5,
  max: 5,
};
const MOST_MESSAGE_BYTES = 4_096;
const MOST_BODY_BYTES = 32_768;
const DISALLOWED = /\{\{-?\s*(call|template|define)\b/;

export class NtfyServer {
  readonly messages: NtfyMessage[] = [];

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  /** @param token asked for of whoever publishes */
  static async start(token: string): Promise<NtfyServer> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const ntfy = new NtfyServer(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.on('request', (request, response) => {
      void ntfy.publish(request, token).then(
        (message) => response.end(JSON.stringify(message)),
        (error: unknown) => response.writeHead(400).end(String(error)),
      );
    });
    return ntfy;
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async publish(request: IncomingMessage, token: string): Promise<NtfyMessage> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const url = new URL(request.url ?? '', this.url);
    const parameter = (name: string): string => url.searchParams.get(name) ?? '';
    if (request.method !== 'POST' && request.method !== 'PUT') throw new Error('method not allowed');
    if (request.headers.authorization !== `Bearer ${token}`) throw new Error('unauthorized');
    const [, topic] = /^\/([-_A-Za-z0-9]{1,64})$/.exec(url.pathname) ?? [];
    if (topic === undefined) throw new Error('no such topic');
    if (parameter('template') !== 'yes') throw new Error('the body is no message without a template');
    if (body.length > MOST_BODY_BYTES) throw new Error('the body is too large');
    const data: unknown = JSON.parse(body.toString());
    const expand = (template: string): string => {
      if (DISALLOWED.test(template)) throw new Error('a disallowed function');
      return expandGoTemplate(template, data);
    };
    const priority = PRIORITIES[parameter('priority')];
    if (priority === undefined) throw new Error('no such priority');
    const message = {
      topic,
      title: expand(parameter('title')),
      message: expand(parameter('message')).trim(),
      priority,
      tags: parameter('tags').split(','),
      ...(parameter('click') !== '' && { click: parameter('click') }),
    };
    if (Buffer.byteLength(message.message) > MOST_MESSAGE_BYTES) throw new Error('the message is too large');
    this.messages.push(message);
    return message;
  }
}
