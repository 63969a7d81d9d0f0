/** Names each request, and puts on its response what every response has. */
import { randomBytes } from 'node:crypto';
import { createMiddleware } from 'hono/factory';
import type { Logger } from 'pino';
import type { GatewayEnv } from '../env';

/** `log` gets the request id on every line that this request writes. */
export function requestId(log: Logger) {
  return createMiddleware<GatewayEnv>(async (c, next) => {
    const id = randomBytes(8).toString('hex').toUpperCase();
    c.set('requestId', id);
    c.set('log', log.child({ requestId: id }));
    c.set('traffic', { bytesIn: 0, bytesOut: 0 });
    // On the node response: object bodies bypass Hono's.
    c.env.outgoing.setHeader('server', 'Longhaul');
    c.env.outgoing.setHeader('x-amz-request-id', id);
    c.env.outgoing.setHeader('x-amz-id-2', id);
    await next();
  });
}
