/** `/mirror`: how far the second location is behind the first, and how to have both compared. */
import type { Hono } from 'hono';
import type { FtpStore, FtpStoreStats } from '../store/ftp-store';

export type MirrorReport = NonNullable<FtpStoreStats['mirror']>;

export class MirrorAdmin {
  constructor(private readonly store: FtpStore) {}

  /** Undefined without a mirror. */
  get report(): MirrorReport | undefined {
    return this.store.stats.mirror;
  }

  compare(): void {
    this.store.mirror?.compareSoon();
  }
}

export function addMirrorRoutes(app: Hono, mirror: MirrorAdmin): void {
  app.get('/mirror', (c) => c.json({ mirror: mirror.report }));
  app.post('/mirror/check', (c) => {
    mirror.compare();
    return c.json({ mirror: mirror.report });
  });
}
