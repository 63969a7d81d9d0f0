/** `/keys`: which keys are in use, and what depends on them; rotation and retirement. */
import type { Hono } from 'hono';
import type { KeysReport } from '../store/store-keys';

export type { KeysReport } from '../store/store-keys';

export interface Retirement {
  readonly retired: boolean;
  /** Why it was not. */
  readonly objections: readonly string[];
}

export interface KeysAdmin {
  report(): Promise<KeysReport>;
  /** Resolves when a rotation runs. Throws without a key that seals. */
  rotate(): Promise<void>;
  retire(id: string): Promise<readonly string[]>;
}

export function addKeyRoutes(app: Hono, keys: KeysAdmin): void {
  app.get('/keys', async (c) => c.json(await keys.report()));
  app.post('/keys/rotation', async (c) => {
    await keys.rotate();
    return c.json(await keys.report(), 202);
  });
  app.delete('/keys/:id', async (c) => {
    const objections = await keys.retire(c.req.param('id'));
    const retirement: Retirement = { retired: objections.length === 0, objections };
    return c.json(retirement);
  });
}
