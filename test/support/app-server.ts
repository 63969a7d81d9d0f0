/** The S3 app on a real HTTP server on loopback, over a store in memory or any other. */
import { request as httpRequest, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { pino } from 'pino';
import { buildApp, type AppDeps } from '../../gateway/app';
import type { Certificate } from '../../gateway/certificate';
import { createHttpServer, drain } from '../../gateway/http-server';
import type { RequestRecord } from '../../gateway/middleware/access-log';
import type { AccessKey } from '../../gateway/s3/access-key';
import { MemoryBudget } from '../../gateway/s3/memory-budget';
import { MemoryStore } from '../../gateway/store/memory-store';
import type { ObjectStore } from '../../gateway/store/object-store';
import { s3Client, type S3Target } from './s3';
import { sha256Hex, signRequest, type Signer } from './sign-request';

export interface RawRequest {
  readonly method?: string;
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
  /** Default: the hash of the body. */
  readonly payloadHash?: string;
  readonly signer?: Partial<Signer>;
  /** Sends the request as it is. */
  readonly unsigned?: boolean;
}

export interface RawResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The `Code` of an error document. */
  readonly code: string | undefined;
}

export interface AppServer {
  readonly server: Server;
  readonly store: ObjectStore;
  readonly port: number;
  readonly target: S3Target;
  readonly signer: Signer;
  /** One for each finished S3 request. */
  readonly records: RequestRecord[];
  /** What was logged, line by line. */
  readonly logLines: string[];
  client(config?: Partial<S3ClientConfig>): S3Client;
  raw(request: RawRequest): Promise<RawResponse>;
  close(): Promise<void>;
}

export const TEST_BUCKET = 'bucket';

/** The key that requests are signed with by default. */
export const ACCESS_KEY: AccessKey = {
  name: 'default',
  accessKeyId: 'access',
  secretAccessKey: 'secret-access-key',
  rights: 'read-write',
};

/** Has the bucket `bucket`. With a certificate it speaks TLS, which `raw` does not. */
export async function startApp(
  overrides: Partial<AppDeps> = {},
  certificate?: Certificate,
): Promise<AppServer> {
  const store = overrides.store ?? new MemoryStore();
  await store.createBucket(TEST_BUCKET);
  const records: RequestRecord[] = [];
  const logLines: string[] = [];
  const app = buildApp({
    store,
    accessKeys: [ACCESS_KEY],
    memoryBudget: new MemoryBudget(),
    log: pino({ level: 'trace' }, { write: (line: string) => void logLines.push(line) }),
    version: '1.2.3',
    ready: () => Promise.resolve({ ready: true }),
    onRequest: (record) => void records.push(record),
    ...overrides,
  });
  const server = createHttpServer(app, certificate);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const signer = { accessKeyId: 'access', secretAccessKey: 'secret-access-key', at: Date.now() };
  const target = {
    ...signer,
    endpoint: `${certificate ? 'https' : 'http'}://127.0.0.1:${port}`,
    bucket: TEST_BUCKET,
  };
  const clients: S3Client[] = [];
  return {
    server,
    store,
    port,
    target,
    signer,
    records,
    logLines,
    client(config) {
      const client = s3Client(target, config);
      clients.push(client);
      return client;
    },
    raw: (request) => send(port, signer, request),
    async close() {
      for (const client of clients) client.destroy();
      await drain(server, 2_000);
    },
  };
}

function send(port: number, defaultSigner: Signer, request: RawRequest): Promise<RawResponse> {
  const { method = 'GET', target, body = '', unsigned = false } = request;
  const hasBody = method === 'PUT' || method === 'POST';
  const plain = {
    host: `127.0.0.1:${port}`,
    ...(hasBody && { 'content-length': `${Buffer.byteLength(body)}` }),
    ...request.headers,
  };
  const unsignedRequest = {
    method,
    target,
    headers: plain,
    payloadHash: request.payloadHash ?? sha256Hex(body),
  };
  const signer = { ...defaultSigner, at: Date.now(), ...request.signer };
  const headers = unsigned ? plain : signRequest(unsignedRequest, signer).headers;
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({ host: '127.0.0.1', port, method, path: target, headers, agent: false });
    outgoing.once('error', reject);
    outgoing.once('response', (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.once('error', reject);
      response.once('end', () => {
        const text = Buffer.concat(pieces).toString();
        const code = /<Code>(\w+)<\/Code>/.exec(text)?.[1];
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text, code });
      });
    });
    // A string would make Node write the headers as UTF-8.
    outgoing.end(Buffer.from(body));
  });
}
