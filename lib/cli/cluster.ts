/** The few calls that the commands make to a cluster, each with its refusals turned into one sentence. */
import { ClusterError, errorOfAnswer, kindMissing, type RequestDescription } from './cluster-error';
import type { Kind, KubeObject } from './kinds';
import type { Answer, Call, Transport } from './transport';

/** Who writes: the field manager of everything that we apply. */
const FIELD_MANAGER = 'longhaul';

const PAGE_SIZE = 500;

export interface WriteOptions {
  /** The server checks everything and stores nothing. @default false */
  readonly dryRun?: boolean;
}

export interface ApplyOptions extends WriteOptions {
  /** Takes fields over from other field managers instead of failing with a conflict. @default false */
  readonly force?: boolean;
}

export interface ListOptions {
  /** @default all namespaces */
  readonly namespace?: string;
  readonly labelSelector?: string;
}

export class Cluster {
  constructor(private readonly transport: Transport) {}

  get server(): string {
    return this.transport.server;
  }

  /** One object, or undefined where it does not exist. */
  async get<T extends KubeObject>(kind: Kind<T>, name: string, namespace?: string): Promise<T | undefined> {
    const describe = describeRequest('get', kind, name, namespace);
    const answer = await this.send(kind, { method: 'GET', path: pathOf(kind, name, namespace) });
    return answer.status === 404 ? undefined : parseSuccess<T>(answer, describe);
  }

  /** Every object of the kind, of one namespace or of all; never a part of them. */
  async list<T extends KubeObject>(kind: Kind<T>, options: ListOptions = {}): Promise<T[]> {
    const { namespace, labelSelector } = options;
    const describe = describeRequest('list', kind, undefined, namespace);
    const path = pathOf(kind, undefined, namespace);
    const items: T[] = [];
    let next: string | undefined;
    do {
      const query = { limit: String(PAGE_SIZE), labelSelector, continue: next };
      const answer = await this.send(kind, { method: 'GET', path, query });
      const page = parseSuccess<{ items?: T[] | null; metadata?: { continue?: string } }>(answer, describe);
      items.push(...(page.items ?? []));
      next = page.metadata?.continue === '' ? undefined : page.metadata?.continue;
    } while (next !== undefined);
    return items;
  }

  /** Server-side apply: the fields of the manifest become what it says, all others stay. */
  async apply(kind: Kind, manifest: KubeObject, options: ApplyOptions = {}): Promise<KubeObject> {
    const { name, namespace } = manifest.metadata;
    const query = { ...writeQuery(options), force: options.force ? 'true' : undefined };
    const contentType = 'application/apply-patch+yaml';
    const path = pathOf(kind, name, namespace);
    const answer = await this.send(kind, { method: 'PATCH', path, query, body: manifest, contentType });
    return parseSuccess(answer, describeRequest('patch', kind, name, namespace));
  }

  async create<T extends KubeObject>(kind: Kind<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const { name, namespace } = object.metadata;
    const path = pathOf(kind, undefined, namespace);
    const answer = await this.send(kind, { method: 'POST', path, query: writeQuery(options), body: object });
    return parseSuccess<T>(answer, describeRequest('create', kind, name, namespace));
  }

  /** JSON merge patch. With a `resourceVersion` in it the server refuses (conflict) where the object has changed since. */
  async patch<T extends KubeObject>(
    kind: Kind<T>,
    name: string,
    namespace: string | undefined,
    patch: object,
  ): Promise<T> {
    const contentType = 'application/merge-patch+json';
    const path = pathOf(kind, name, namespace);
    const answer = await this.send(kind, {
      method: 'PATCH',
      path,
      query: writeQuery({}),
      body: patch,
      contentType,
    });
    return parseSuccess<T>(answer, describeRequest('patch', kind, name, namespace));
  }

  /** Returns false where there was nothing to delete. What the object owns (pods, jobs) goes in the background. */
  async delete(kind: Kind, name: string, namespace?: string): Promise<boolean> {
    const body = { propagationPolicy: 'Background' };
    const answer = await this.send(kind, { method: 'DELETE', path: pathOf(kind, name, namespace), body });
    if (answer.status === 404) return false;
    expectSuccess(answer, describeRequest('delete', kind, name, namespace));
    return true;
  }

  /** The kinds of one API version; empty where the cluster does not know it. */
  async discover(apiVersion: string): Promise<Kind[]> {
    const answer = await this.transport.send({ method: 'GET', path: rootOf(apiVersion) });
    if (answer.status === 404) return [];
    const describe = { verb: 'get', resource: `the kinds of ${apiVersion}` };
    type Served = { readonly name: string; readonly kind: string; readonly namespaced: boolean };
    return parseSuccess<{ resources: readonly Served[] }>(answer, describe)
      .resources.filter((resource) => !resource.name.includes('/'))
      .map(({ name, kind, namespaced }) => ({ apiVersion, kind, plural: name, namespaced }));
  }

  /** Whether the cluster serves this kind. */
  async serves(kind: Kind): Promise<boolean> {
    return (await this.discover(kind.apiVersion)).some((served) => served.kind === kind.kind);
  }

  /** The last lines of a pod's log. */
  async podLog(pod: string, namespace: string, tailLines: number): Promise<string> {
    const path = `/api/v1/namespaces/${namespace}/pods/${encodeURIComponent(pod)}/log`;
    const answer = await this.transport.send({
      method: 'GET',
      path,
      query: { tailLines: String(tailLines) },
    });
    return expectSuccess(answer, { verb: 'get', resource: 'pods/log', name: pod, namespace });
  }

  /** What a pod answers to GET, through the API server's proxy. The status is the pod's, or the API server's if it cannot ask. */
  podHttpGet(
    pod: string,
    namespace: string,
    {
      scheme,
      port,
      path,
    }: { readonly scheme: 'http' | 'https'; readonly port: number; readonly path: string },
  ): Promise<Answer> {
    const proxy = `/api/v1/namespaces/${namespace}/pods/${scheme}:${encodeURIComponent(pod)}:${port}/proxy${path}`;
    return this.transport.send({ method: 'GET', path: proxy });
  }

  private async send(kind: Kind, call: Call): Promise<Answer> {
    const answer = await this.transport.send(call);
    // A missing object is named in the answer's details; an unknown path (a kind that is not installed) is not.
    if (answer.status === 404 && parseStatus(answer.text)?.details?.kind === undefined) {
      throw kindMissing(kind.apiVersion, kind.plural);
    }
    return answer;
  }
}

function rootOf(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

function pathOf(kind: Kind, name?: string, namespace?: string): string {
  const scope =
    kind.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${rootOf(kind.apiVersion)}${scope}/${kind.plural}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`;
}

function describeRequest(verb: string, kind: Kind, name?: string, namespace?: string): RequestDescription {
  const group = kind.apiVersion.includes('/') ? `.${kind.apiVersion.split('/')[0]}` : '';
  return {
    verb,
    resource: `${kind.plural}${group}`,
    ...(name !== undefined && { name }),
    ...(kind.namespaced && namespace !== undefined && { namespace }),
  };
}

function writeQuery(options: WriteOptions): Record<string, string | undefined> {
  return { fieldManager: FIELD_MANAGER, dryRun: options.dryRun ? 'All' : undefined };
}

/** The fields of Kubernetes' Status object, the body of its refusals. */
interface Status {
  readonly message?: string;
  readonly details?: { readonly name?: string; readonly kind?: string };
}

function parseStatus(text: string): Status | undefined {
  try {
    return JSON.parse(text) as Status;
  } catch {
    return undefined;
  }
}

function expectSuccess(answer: Answer, describe: RequestDescription): string {
  if (answer.status >= 200 && answer.status < 300) return answer.text;
  const message = parseStatus(answer.text)?.message ?? answer.text.trim().slice(0, 500);
  throw errorOfAnswer(answer.status, message, describe);
}

function parseSuccess<T>(answer: Answer, describe: RequestDescription): T {
  const text = expectSuccess(answer, describe);
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    const sentence = `The cluster's answer to ${describe.verb} ${describe.resource} is no JSON.`;
    throw new ClusterError('server', sentence, { cause });
  }
}
