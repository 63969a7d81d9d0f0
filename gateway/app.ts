/** The S3 API over an object store, as one Hono app. */
import { Hono } from 'hono';
import type { Logger } from 'pino';
import type { GatewayEnv } from './env';
import { toS3Error } from './errors';
import { accessLog, type RequestRecord } from './middleware/access-log';
import { authenticate } from './middleware/authenticate';
import { errorResponse } from './middleware/error-response';
import { preflight } from './middleware/preflight';
import { probes, type Readiness } from './middleware/probes';
import { RefusalPace, type RefusalPaceOptions } from './middleware/refusal-pace';
import { requestId } from './middleware/request-id';
import { dispatch, operationHandlers } from './routes/operations';
import { checkAccess, type AccessKey } from './s3/access-key';
import type { MemoryBudget } from './s3/memory-budget';
import { parseOperation } from './s3/operation';
import type { ObjectStore } from './store/object-store';

export interface AppDeps {
  readonly store: ObjectStore;
  /** Who may come in. */
  readonly accessKeys: readonly AccessKey[];
  /** Bytes of request bodies that may be held in memory at a time. */
  readonly memoryBudget: MemoryBudget;
  readonly log: Logger;
  /** What `/health` says this is. */
  readonly version: string;
  /** What `/ready` answers; it is asked often and should know without looking. */
  readonly ready: () => Promise<Readiness>;
  /** Buckets are found as `<bucket>.<domain>` too if given; path-style always works. */
  readonly domain?: string;
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly clock?: () => number;
  /** Milliseconds on a clock that never goes back. Default `performance.now`. */
  readonly monotonicMs?: () => number;
  /** How refusals are held up once they are many. */
  readonly refusalPace?: Pick<RefusalPaceOptions, 'delayMs'>;
  /** Told of each S3 request once its response has ended. */
  readonly onRequest?: (record: RequestRecord) => void;
}

export function buildApp(deps: AppDeps): Hono<GatewayEnv> {
  const {
    store,
    log,
    domain,
    onRequest,
    refusalPace,
    clock = Date.now,
    monotonicMs = () => performance.now(),
  } = deps;
  const handlers = operationHandlers(store, deps.memoryBudget);
  const app = new Hono<GatewayEnv>();
  app.onError(errorResponse);
  app.use(probes(deps));
  app.use(requestId(log));
  app.use(accessLog({ monotonicMs, ...(onRequest && { onRequest }) }));
  app.use(preflight);
  app.use(authenticate(deps.accessKeys, clock, new RefusalPace({ monotonicMs, ...refusalPace })));
  app.all('*', (c) => {
    // From the raw request target: Hono's own path is normalised, and keys are opaque.
    const { method = '', url = '' } = c.env.incoming;
    const operation = parseOperation({ method, target: url, headers: c.var.headers }, domain);
    c.set('operation', operation);
    checkAccess(c.var.accessKey, operation);
    return dispatch(handlers, c, operation).catch((error: unknown) => {
      // Hono hands on to `onError` only what it takes for an Error.
      throw toS3Error(error);
    });
  });
  return app;
}
