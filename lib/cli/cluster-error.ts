/** Everything that can go wrong between us and the cluster, as one sentence each that a person can act on. */

export type ClusterErrorReason =
  | 'configuration'
  | 'unreachable'
  | 'unauthorized'
  | 'forbidden'
  | 'kind-missing'
  | 'not-found'
  | 'conflict'
  | 'invalid'
  | 'busy'
  | 'server';

/** A refusal or failure of the cluster. Its message is a whole sentence for the user; it holds no secret and no stack. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';

  constructor(
    readonly reason: ClusterErrorReason,
    message: string,
    options: { readonly cause?: unknown } = {},
  ) {
    super(message, options);
  }

  /** Whether the same request may succeed a moment later. */
  get passing(): boolean {
    return this.reason === 'unreachable' || this.reason === 'busy' || this.reason === 'server';
  }
}

/** What a failed request was about; makes the sentence. */
export interface RequestDescription {
  /** RBAC's word: get, list, create, patch, delete. */
  readonly verb: string;
  /** RBAC's plural, with the group: `volumes.longhorn.io`. */
  readonly resource: string;
  readonly name?: string;
  readonly namespace?: string;
}

function target({ resource, name, namespace }: RequestDescription): string {
  return `${resource}${name === undefined ? '' : ` "${name}"`}${namespace === undefined ? '' : ` in namespace ${namespace}`}`;
}

/** The error for an answer of the API server that is not a success. */
export function errorOfAnswer(status: number, message: string, request: RequestDescription): ClusterError {
  const what = `${request.verb} ${target(request)}`;
  const said = message === '' ? `HTTP ${status}` : message;
  switch (true) {
    case status === 401:
      return new ClusterError(
        'unauthorized',
        `The cluster does not accept your credentials (expired token or certificate?): log in again, then repeat the command. It said: ${said}`,
      );
    case status === 403:
      return new ClusterError(
        'forbidden',
        `You may not ${what}: ask for that right (RBAC), or use another --context. It said: ${said}`,
      );
    case status === 404:
      return new ClusterError('not-found', `Cannot ${what}: ${said}`);
    case status === 409:
      return new ClusterError('conflict', `Conflict on ${what}: ${said}`);
    case status === 400 ||
      status === 405 ||
      status === 406 ||
      status === 413 ||
      status === 415 ||
      status === 422:
      return new ClusterError('invalid', `The cluster refused to ${what}: ${said}`);
    case status === 429 || status === 503 || status === 504:
      return new ClusterError('busy', `The cluster is too busy to ${what} just now: ${said}`);
    default:
      return new ClusterError('server', `The cluster failed to ${what}: ${said}`);
  }
}

/** The error for a kind that the cluster does not serve. */
export function kindMissing(apiVersion: string, resource: string): ClusterError {
  const message = apiVersion.startsWith('longhorn.io/')
    ? `This cluster knows no ${resource} of ${apiVersion}: is Longhorn installed, and is this the right --context?`
    : `This cluster serves no ${resource} of ${apiVersion}.`;
  return new ClusterError('kind-missing', message);
}

const NETWORK_FAULTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection broke',
  EPIPE: 'the connection broke',
  ENOTFOUND: 'the name does not resolve',
  EAI_AGAIN: 'the name does not resolve just now',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no route to it',
  ETIMEDOUT: 'it did not answer in time',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not the one in the kubeconfig',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not the one in the kubeconfig',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not the one in the kubeconfig',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

/** The error for a request that got no answer. */
export function errorOfConnection(server: string, error: unknown): ClusterError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const why = NETWORK_FAULTS[code] ?? (error instanceof Error && error.message !== '' ? error.message : code);
  return new ClusterError('unreachable', `The cluster at ${server} cannot be reached: ${why}.`, {
    cause: error,
  });
}
