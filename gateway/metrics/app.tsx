/** What the metrics port answers: `/metrics` for Prometheus, `/` for people. Read-only, and without authentication: it shows no secret, and names volumes and backups. */
import { Hono } from 'hono';
import type { Logger } from 'pino';
import type { Metrics } from './metrics';
import { StatusPage } from './page/status-page';
import { CONTENT_SECURITY_POLICY } from './page/style';

export function buildMetricsApp(metrics: Pick<Metrics, 'exposition' | 'status'>, log: Logger): Hono {
  const app = new Hono();
  app.onError((error, c) => {
    log.error({ err: error, path: c.req.path }, 'the metrics cannot be told');
    return c.text('internal error', 500);
  });
  app.notFound((c) => c.text('there is /metrics, and / for people', 404));
  app.get('/metrics', async (c) => {
    const { contentType, text } = await metrics.exposition();
    return c.body(text, 200, { 'content-type': contentType });
  });
  app.get('/', (c) => {
    c.header('content-security-policy', CONTENT_SECURITY_POLICY);
    c.header('cache-control', 'no-store');
    c.header('referrer-policy', 'no-referrer');
    c.header('x-content-type-options', 'nosniff');
    return c.html(<StatusPage status={metrics.status()} />);
  });
  return app;
}
