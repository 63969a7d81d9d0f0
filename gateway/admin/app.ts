/**
 * The admin API of a running gateway: plain HTTP on a Unix socket that only the gateway's own user may connect to, which is all its authentication.
 * Each family of routes is a file that adds itself.
 */
import { Hono } from 'hono';
import type { Logger } from 'pino';
import { addCatalogRoutes, type CatalogAdmin } from './catalog';
import { addKeyRoutes, type KeysAdmin } from './keys';
import { addMirrorRoutes, type MirrorAdmin } from './mirror';
import { addTrashRoutes, type TrashAdmin } from './trash';

export interface AdminParts {
  readonly catalog: CatalogAdmin;
  readonly keys: KeysAdmin;
  readonly mirror: MirrorAdmin;
  readonly trash: TrashAdmin;
  readonly log: Logger;
}

export function buildAdminApp({ catalog, keys, mirror, trash, log }: AdminParts): Hono {
  const app = new Hono();
  app.onError((error, c) => {
    log.error({ err: error, path: c.req.path }, 'an admin request failed');
    return c.text(error.message, 500);
  });
  app.notFound((c) => c.text('no such path', 404));
  addCatalogRoutes(app, catalog);
  addTrashRoutes(app, trash);
  addKeyRoutes(app, keys);
  addMirrorRoutes(app, mirror);
  return app;
}
