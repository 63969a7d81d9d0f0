/** Lets in who signed the request, before anything of its body is read. */
import type { IncomingMessage } from 'node:http';
import { createMiddleware } from 'hono/factory';
import type { GatewayEnv } from '../env';
import { S3Error } from '../errors';
import type { RefusalPace } from './refusal-pace';
import { hasPendingBody, isHttp2 } from './refuse-body';
import type { AccessKey } from '../s3/access-key';
import type { Headers } from '../s3/conditions';
import { headerText } from '../s3/object-headers';
import { parseRequestTarget } from '../s3/request-target';
import { createVerifier } from '../sigv4/verify';

/** @param clock milliseconds since the epoch */
export function authenticate(accessKeys: readonly AccessKey[], clock: () => number, pace: RefusalPace) {
  const byId = new Map(accessKeys.map((key) => [key.accessKeyId, key]));
  const verify = createVerifier({ secretOf: (id) => byId.get(id)?.secretAccessKey, now: clock });
  return createMiddleware<GatewayEnv>(async (c, next) => {
    const { method = '', url = '' } = c.env.incoming;
    const rawHeaders = httpHeaders(c.env.incoming);
    const authentication = await paced(() => verify({ method, target: url, rawHeaders }));
    const accessKey = byId.get(authentication.accessKeyId);
    if (!accessKey) throw new S3Error('InvalidAccessKeyId');
    c.set('authentication', authentication);
    c.set('accessKey', accessKey);
    c.set('headers', requestHeaders(c.env.incoming, authentication.via === 'query'));
    await next();
  });

  async function paced<T>(check: () => T): Promise<T> {
    try {
      return check();
    } catch (error) {
      await pace.wait();
      throw error;
    }
  }
}

/** HTTP/2 has no Host header but this, and more of its kind. */
const AUTHORITY = ':authority';

/** As HTTP/1.1 has them: a signature covers the host. */
function httpHeaders({ rawHeaders }: IncomingMessage): string[] {
  const pairs = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [[name, rawHeaders[i + 1] ?? '']] : []));
  const hasHost = pairs.some(([name]) => name?.toLowerCase() === 'host');
  return pairs.flatMap(([name = '', value = '']) => {
    if (name === AUTHORITY && !hasHost) return ['host', value];
    return name.startsWith(':') ? [] : [name, value];
  });
}

/** A presigned URL may carry `x-amz-*` headers as parameters, which are signed as such. */
function requestHeaders(incoming: IncomingMessage, presigned: boolean): Headers {
  const { headers, url = '' } = incoming;
  const all: Record<string, string> = {};
  for (const [name, value] of presigned ? parseRequestTarget(url).query : []) {
    if (/^x-amz-/i.test(name)) all[name.toLowerCase()] = headerText(value);
  }
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !name.startsWith(':'))
      all[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  const authority = (headers as Readonly<Record<string, unknown>>)[AUTHORITY];
  if (typeof authority === 'string') all['host'] ??= authority;
  // HTTP/2 frames every body by itself, and need not say how long it is.
  if (isHttp2(incoming) && hasPendingBody(incoming) && all['content-length'] === undefined)
    all['transfer-encoding'] = 'chunked';
  return all;
}
