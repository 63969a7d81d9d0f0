/** What a browser asks before it asks for more: nobody signs that, and no bucket lets other origins in. */
import { createMiddleware } from 'hono/factory';
import type { GatewayEnv } from '../env';
import { S3Error } from '../errors';

export const preflight = createMiddleware<GatewayEnv>(async (c, next) => {
  const { method, headers } = c.env.incoming;
  if (method !== 'OPTIONS') return next();
  if (headers.origin !== undefined && headers['access-control-request-method'] !== undefined)
    throw new S3Error('AccessForbidden');
  throw new S3Error('BadRequest', {
    message: 'Insufficient information. Origin and Access-Control-Request-Method headers needed.',
  });
});
