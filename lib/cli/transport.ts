/**
 * Finds the cluster and carries requests to it. `@kubernetes/client-node` reads the kubeconfig and proves who we are (exec plugins,
 * tokens, certificates, a pod's service account); requests and answers stay plain JSON, so that no field is lost on the way.
 */
import { existsSync } from 'node:fs';
import { request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { ClusterError, errorOfConnection } from './cluster-error';

const REQUEST_TIMEOUT_MS = 30_000;
/** Far above any answer to a page of 500 objects or a log of a few thousand lines. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

export interface ConnectOptions {
  /** Path of a kubeconfig. @default KUBECONFIG, then ~/.kube/config, then the pod's service account */
  readonly kubeconfig?: string | undefined;
  /** @default the kubeconfig's current context */
  readonly context?: string | undefined;
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  /** @default application/json */
  readonly contentType?: string;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/**
 * Reads the configuration; nothing is sent yet.
 * @throws ClusterError `configuration` where there is no usable kubeconfig or no such context
 */
export async function openTransport(options: ConnectOptions): Promise<Transport> {
  // The library is an ES module: only import() loads it from here, and commands that need no cluster never wait for it.
  const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js');
  const config = new KubeConfig();
  load(config, options.kubeconfig);
  if (options.context !== undefined) select(config, options.context);
  const server = config.getCurrentCluster()?.server;
  // Where it finds nothing the library falls back to http://localhost:8080, which would only confuse.
  if (server === undefined || server === 'http://localhost:8080') {
    const how = 'give --kubeconfig, set KUBECONFIG, or run inside a pod';
    throw new ClusterError('configuration', `There is no cluster to talk to: ${how}.`);
  }
  return new Transport(config, server.replace(/\/+$/, ''));
}

function load(config: KubeConfig, kubeconfig: string | undefined): void {
  try {
    if (kubeconfig === undefined) config.loadFromDefault();
    else if (existsSync(kubeconfig)) config.loadFromFile(kubeconfig);
    else throw new Error(`${kubeconfig} does not exist`);
  } catch (cause) {
    throw new ClusterError('configuration', `The kubeconfig cannot be read: ${messageOf(cause)}.`, { cause });
  }
}

function select(config: KubeConfig, context: string): void {
  const known = config.getContexts().map((candidate) => candidate.name);
  if (!known.includes(context)) {
    const have = known.join(', ') || 'none';
    throw new ClusterError('configuration', `The kubeconfig has no context "${context}"; it has: ${have}.`);
  }
  config.setCurrentContext(context);
}

export class Transport {
  constructor(
    private readonly config: KubeConfig,
    /** The API server's URL, without a final slash. */
    readonly server: string,
  ) {}

  /** One request; an answer of any status is returned, and only a missing one is an error. */
  async send(call: Call): Promise<Answer> {
    const url = new URL(this.server + call.path);
    for (const [key, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined) url.searchParams.set(key, value);
    }
    const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
    const options: RequestOptions = {
      method: call.method,
      timeout: REQUEST_TIMEOUT_MS,
      headers: {
        accept: 'application/json',
        'user-agent': 'longhaul',
        ...(body && {
          'content-type': call.contentType ?? 'application/json',
          'content-length': body.length,
        }),
      },
    };
    try {
      await this.config.applyToHTTPSOptions(options);
    } catch (cause) {
      const sentence = `Your credentials for ${this.server} cannot be obtained: ${messageOf(cause)}.`;
      throw new ClusterError('unauthorized', sentence, { cause });
    }
    try {
      return await exchange(url, options, body);
    } catch (error) {
      throw errorOfConnection(this.server, error);
    }
  }
}

function exchange(url: URL, options: RequestOptions, body: Buffer | undefined): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'http:' ? httpRequest : httpsRequest)(url, options);
    request.on('timeout', () => request.destroy(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })));
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length > MAX_ANSWER_BYTES)
          request.destroy(new Error(`its answer is longer than ${MAX_ANSWER_BYTES} bytes`));
        chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') });
      });
    });
    request.end(body);
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
}
