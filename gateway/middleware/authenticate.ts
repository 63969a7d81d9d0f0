/** Lets in who signed the request, before anything of its body is read. */
import type { IncomingMessage } from 'node:http';
import { createMiddleware } from 'hono/factory';
import type { GatewayEnv } from '../env';
import { S3Error } from '../errors';
import type { AccessKey } from '../s3/access-key';
import type { Headers } from '../s3/conditions';
import { headerText } from '../s3/object-headers';
import { parseRequestTarget } from '../s3/request-target';
import { createVerifier } from '../sigv4/verify';

/** @param clock milliseconds since the epoch */
export function authenticate(accessKeys: readonly AccessKey[], clock: () => number) {
  const byId = new Map(accessKeys.map((key) => [key.accessKeyId, key]));
  const verify = createVerifier({ secretOf: (id) => byId.get(id)?.secretAccessKey, now: clock });
  return createMiddleware<GatewayEnv>(async (c, next) => {
    const { method = '', url = '', rawHeaders } = c.env.incoming;
    const authentication = verify({ method, target: url, rawHeaders });
    const accessKey = byId.get(authentication.accessKeyId);
    if (!accessKey) throw new S3Error('InvalidAccessKeyId');
    c.set('authentication', authentication);
    c.set('accessKey', accessKey);
    c.set('headers', requestHeaders(c.env.incoming, authentication.via === 'query'));
    await next();
  });
}

/** A presigned URL may carry `x-amz-*` headers as parameters, which are signed as such. */
function requestHeaders({ headers, url = '' }: IncomingMessage, presigned: boolean): Headers {
  const all: Record<string, string> = {};
  for (const [name, value] of presigned ? parseRequestTarget(url).query : []) {
    if (/^x-amz-/i.test(name)) all[name.toLowerCase()] = headerText(value);
  }
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) all[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return all;
}
