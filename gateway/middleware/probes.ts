/** `/health` and `/ready`: the only paths that anybody may ask. */
import { createMiddleware } from 'hono/factory';
import { HEALTH_PATH, READY_PATH } from '../../lib/names';
import type { GatewayEnv } from '../env';

export interface Readiness {
  readonly ready: boolean;
  /** Public: why not. */
  readonly reason?: string;
  /** Public: what somebody must look at although requests are served. */
  readonly warning?: string;
}

export interface ProbeOptions {
  readonly version: string;
  /** Answers at once, from what is known. */
  readonly ready: () => Promise<Readiness>;
}

/** Only exactly these targets; the buckets they would otherwise name cannot be made. */
export function probes({ version, ready }: ProbeOptions) {
  return createMiddleware<GatewayEnv>(async (c, next) => {
    const { method, url } = c.env.incoming;
    const isProbe = method === 'GET' || method === 'HEAD';
    if (isProbe && url === HEALTH_PATH) return c.json({ status: 'ok', version });
    if (isProbe && url === READY_PATH) {
      const readiness = await ready();
      return c.json(readiness, readiness.ready ? 200 : 503);
    }
    return next();
  });
}
