/**
 * A real Kubernetes API server on loopback for one test file: etcd and kube-apiserver from `KUBEBUILDER_ASSETS`, with the Longhorn
 * CRDs of the directory `LONGHAUL_LONGHORN_CRDS`. There is no controller and no kubelet: nothing starts unless a test says so by
 * writing the status.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseAllDocuments, stringify } from 'yaml';
import { freePort } from './free-port';
import { snapshotCrd } from './snapshot-crd';

const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 10_000;
const LONGHORN_NAMESPACE = 'longhorn-system';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface ApiAnswer {
  readonly status: number;
  /** The parsed JSON, or the text where it was none. */
  readonly body: Json;
}

export interface RequestOptions {
  readonly body?: unknown;
  /** @default application/json */
  readonly contentType?: string | undefined;
  /** @default the administrator's */
  readonly token?: string;
}

/** What keeps the tests from a real API server on this machine; undefined if nothing does. */
export function whyNoApiServer(): string | undefined {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  const crds = process.env['LONGHAUL_LONGHORN_CRDS'];
  if (assets === undefined) return 'KUBEBUILDER_ASSETS is unset';
  if (crds === undefined) return 'LONGHAUL_LONGHORN_CRDS is unset';
  for (const path of [join(assets, 'etcd'), join(assets, 'kube-apiserver'), crds]) {
    if (!existsSync(path)) return `${path} does not exist`;
  }
  return undefined;
}

/** `describe` for tests that need the API server; without one they are skipped, and one line says so. */
export function describeWithApiServer(title: string, body: () => void): void {
  const missing = whyNoApiServer();
  if (missing === undefined) return describe(title, body);
  process.stderr.write(`Left out: "${title}" needs a Kubernetes API server, and ${missing}.\n`);
  describe.skip(title, body);
}

/** One running API server with an administrator's token. Call `stop()` when done. */
export class ApiServer {
  private constructor(
    /** https://127.0.0.1:<port> */
    readonly url: string,
    /** A kubeconfig of the administrator (context `test`). */
    readonly kubeconfig: string,
    /** The administrator's bearer token. */
    readonly token: string,
    /** The server's own certificate, PEM. */
    readonly ca: string,
    private readonly directory: string,
    private readonly processes: readonly ChildProcess[],
  ) {}

  /** Starts both processes, installs the CRDs and makes the namespace `longhorn-system`. */
  static async start(): Promise<ApiServer> {
    const missing = whyNoApiServer();
    if (missing !== undefined) throw new Error(`no API server: ${missing}`);
    const assets = process.env['KUBEBUILDER_ASSETS'] ?? '';
    const directory = mkdtempSync(join(tmpdir(), 'longhaul-api-server-'));
    const processes: ChildProcess[] = [];
    try {
      const [etcdPort, port] = [await freePort(), await freePort()];
      const etcdUrl = `http://127.0.0.1:${etcdPort}`;
      processes.push(launch(join(assets, 'etcd'), etcdArguments(directory, etcdUrl), directory));
      const token = randomBytes(16).toString('hex');
      const url = `https://127.0.0.1:${port}`;
      processes.push(
        launch(
          join(assets, 'kube-apiserver'),
          apiServerArguments(directory, etcdUrl, port, token),
          directory,
        ),
      );
      const ca = await certificate(directory, processes);
      const server = new ApiServer(url, join(directory, 'kubeconfig'), token, ca, directory, processes);
      writeFileSync(server.kubeconfig, server.kubeconfigFor({ token }));
      await server.untilReady();
      await server.create('/api/v1/namespaces', { metadata: { name: LONGHORN_NAMESPACE } });
      await server.installCrds(process.env['LONGHAUL_LONGHORN_CRDS'] ?? '');
      return server;
    } catch (error) {
      await endAll(processes);
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  async stop(): Promise<void> {
    await endAll(this.processes);
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** The text of a kubeconfig for a bearer token, by default on this server's own address. */
  kubeconfigFor(options: {
    readonly token: string;
    readonly url?: string;
    readonly namespace?: string;
  }): string {
    const { token, url = this.url, namespace } = options;
    const trust = url.startsWith('https:')
      ? { 'certificate-authority-data': Buffer.from(this.ca).toString('base64') }
      : { 'insecure-skip-tls-verify': true };
    return stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'test', cluster: { server: url, ...trust } }],
      users: [{ name: 'test', user: { token } }],
      contexts: [
        { name: 'test', context: { cluster: 'test', user: 'test', ...(namespace && { namespace }) } },
      ],
      'current-context': 'test',
    });
  }

  /** Writes a kubeconfig beside the administrator's and returns its path. */
  writeKubeconfig(name: string, text: string): string {
    const path = join(this.directory, name);
    writeFileSync(path, text);
    return path;
  }

  /** A fresh token of this service account, which must exist (TokenRequest API). */
  async serviceAccountToken(namespace: string, name: string): Promise<string> {
    const answer = await this.create(`/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences: [this.url], expirationSeconds: 3600 },
    });
    return (answer as { status: { token: string } }).status.token;
  }

  /** The path of a kubeconfig that speaks as this service account, which must exist. */
  async serviceAccountKubeconfig(namespace: string, name: string): Promise<string> {
    const token = await this.serviceAccountToken(namespace, name);
    return this.writeKubeconfig(`${namespace}-${name}.kubeconfig`, this.kubeconfigFor({ token }));
  }

  /** One request, as the administrator unless another token is given; answers of any status are returned. */
  request(method: string, path: string, options: RequestOptions = {}): Promise<ApiAnswer> {
    const { body, contentType = 'application/json', token = this.token } = options;
    const payload = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${token}`,
        ...(payload !== undefined && {
          'content-type': contentType,
          'content-length': Buffer.byteLength(payload),
        }),
      };
      const request = httpsRequest(`${this.url}${path}`, { method, ca: this.ca, headers, timeout: 10_000 });
      request.on('timeout', () => request.destroy(new Error(`${method} ${path}: no answer in 10 s`)));
      request.on('error', reject);
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ status: response.statusCode ?? 0, body: parseJson(text) });
        });
      });
      request.end(payload);
    });
  }

  /** POST that must succeed; returns what the server made of the object. */
  create(path: string, object: unknown): Promise<Json> {
    return this.expectSuccess('POST', path, object);
  }

  /** GET that must succeed. */
  read(path: string): Promise<Json> {
    return this.expectSuccess('GET', path);
  }

  /** JSON merge patch that must succeed; `path` may end in `/status`. */
  patch(path: string, patch: unknown): Promise<Json> {
    return this.expectSuccess('PATCH', path, patch, 'application/merge-patch+json');
  }

  /** DELETE that must succeed. */
  remove(path: string): Promise<Json> {
    return this.expectSuccess('DELETE', path);
  }

  private async expectSuccess(
    method: string,
    path: string,
    body?: unknown,
    contentType?: string,
  ): Promise<Json> {
    const answer = await this.request(method, path, { body, contentType });
    if (answer.status >= 200 && answer.status < 300) return answer.body;
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  }

  private async untilReady(): Promise<void> {
    await this.poll(
      'the API server to be ready',
      async () => (await this.request('GET', '/readyz')).status === 200,
    );
    await this.poll('the system namespaces', async () => {
      return (await this.request('GET', '/api/v1/namespaces/default')).status === 200;
    });
  }

  private async installCrds(directory: string): Promise<void> {
    const crds: unknown[] = readdirSync(directory)
      .filter((file) => /\.ya?ml$/.test(file))
      .flatMap((file) => parseAllDocuments(readFileSync(join(directory, file), 'utf8')))
      .map((document): unknown => document.toJS());
    const names = new Set(crds.map((crd) => (crd as { metadata: { name: string } }).metadata.name));
    if (!names.has(snapshotCrd.metadata.name)) crds.push(snapshotCrd);
    const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    await Promise.all(crds.map((crd) => this.create(path, crd)));
    await this.poll('the Longhorn CRDs to be served', async () => {
      const { status, body } = await this.request('GET', '/apis/longhorn.io/v1beta2');
      if (status !== 200) return false;
      const { resources } = body as { resources: { name: string }[] };
      return resources.filter((resource) => !resource.name.includes('/')).length >= crds.length;
    });
  }

  private async poll(what: string, done: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + START_LIMIT_MS;
    for (;;) {
      const ended = this.processes.find((process) => process.exitCode !== null);
      if (ended)
        throw new Error(`${ended.spawnfile} ended with ${ended.exitCode}:\n${logTail(this.directory)}`);
      if (await done().catch(() => false)) return;
      if (Date.now() > deadline) throw new Error(`waited too long for ${what}:\n${logTail(this.directory)}`);
      await sleep(50);
    }
  }
}

function etcdArguments(directory: string, url: string): string[] {
  const listen = ['--listen-client-urls', url, '--advertise-client-urls', url];
  const peers = ['--listen-peer-urls', 'http://127.0.0.1:0'];
  return ['--data-dir', join(directory, 'etcd'), '--unsafe-no-fsync', ...listen, ...peers];
}

function apiServerArguments(directory: string, etcdUrl: string, port: number, token: string): string[] {
  const keys = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const [publicKey, privateKey, tokens] = [
    join(directory, 'sa.pub'),
    join(directory, 'sa.key'),
    join(directory, 'tokens'),
  ];
  writeFileSync(publicKey, keys.publicKey);
  writeFileSync(privateKey, keys.privateKey, { mode: 0o600 });
  writeFileSync(tokens, `${token},admin,admin,system:masters\n`, { mode: 0o600 });
  return [
    `--etcd-servers=${etcdUrl}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    `--cert-dir=${join(directory, 'pki')}`,
    `--token-auth-file=${tokens}`,
    `--service-account-issuer=https://127.0.0.1:${port}`,
    `--service-account-key-file=${publicKey}`,
    `--service-account-signing-key-file=${privateKey}`,
    '--authorization-mode=RBAC',
    '--disable-admission-plugins=ServiceAccount',
    '--service-cluster-ip-range=10.0.0.0/24',
    '--endpoint-reconciler-type=none',
  ];
}

function launch(program: string, args: readonly string[], directory: string): ChildProcess {
  mkdirSync(join(directory, 'logs'), { recursive: true });
  const log = openSync(join(directory, 'logs', `${program.split('/').pop()}.log`), 'a');
  const child = spawn(program, args, { stdio: ['ignore', log, log] });
  closeSync(log);
  // A test run that dies must not leave servers behind.
  const end = (): boolean => child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.removeListener('exit', end));
  child.once('error', () => process.removeListener('exit', end));
  return child;
}

/** The API server writes its own certificate at start-up. */
async function certificate(directory: string, processes: readonly ChildProcess[]): Promise<string> {
  const path = join(directory, 'pki', 'apiserver.crt');
  for (const deadline = Date.now() + START_LIMIT_MS; Date.now() < deadline; await sleep(50)) {
    if (existsSync(path) && existsSync(join(directory, 'pki', 'apiserver.key')))
      return readFileSync(path, 'utf8');
    if (processes.some((process) => process.exitCode !== null)) break;
  }
  throw new Error(`the API server made no certificate:\n${logTail(directory)}`);
}

function logTail(directory: string): string {
  const logs = join(directory, 'logs');
  return readdirSync(logs)
    .map((file) => readFileSync(join(logs, file), 'utf8').split('\n').slice(-15).join('\n'))
    .join('\n');
}

/** Ends the processes in reverse order, so that the API server can still reach etcd. */
async function endAll(processes: readonly ChildProcess[]): Promise<void> {
  for (const child of [...processes].reverse()) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) continue;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    // Nothing here is worth a graceful end, which takes the API server several seconds.
    child.kill('SIGKILL');
    await Promise.race([exited, sleep(STOP_LIMIT_MS, undefined, { ref: false })]);
  }
}

function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}
