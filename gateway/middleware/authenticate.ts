/** Lets in who signed the request, before anything of its body is read. */
import type { IncomingMessage } from 'node:http';
import { createMiddleware } from 'hono/factory';
import type { GatewayEnv } from '../env';
import type { Headers } from '../s3/conditions';
import { headerText } from '../s3/object-headers';
import { parseRequestTarget } from '../s3/request-target';
import type { Verifier } from '../sigv4/verify';

export function authenticate(verify: Verifier) {
  return createMiddleware<GatewayEnv>(async (c, next) => {
    const { method = '', url = '', rawHeaders } = c.env.incoming;
    const authentication = verify({ method, target: url, rawHeaders });
    c.set('authentication', authentication);
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
