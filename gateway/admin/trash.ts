/** `/trash`: what rests there, and jobs that bring it back or delete it for good. */
import type { Context, Hono } from 'hono';
import type { FtpRoot } from '../store/ftp-root';
import type { FtpStore } from '../store/ftp-store';
import type { TrashSettings, TrashStats } from '../store/trash';
import type { EmptyRequest, RestoreRequest, TrashGroup, TrashJob } from '../store/trash-jobs';
import type { TrashedVersion } from '../store/trash-name';
import type { TrashSelection } from '../store/trash-selection';

export interface TrashReport extends TrashSettings {
  /** Whether all that lies on the FTP server is known by now. */
  readonly complete: boolean;
  readonly stats: TrashStats;
  readonly groups: readonly TrashGroup[];
}

export interface TrashVersionReport extends TrashedVersion {
  readonly bytes: number;
}

/** At most this many versions are told. */
export const MAX_VERSIONS = 1_000;

export interface TrashAdminParts {
  readonly root: FtpRoot;
  readonly store: FtpStore;
  readonly settings: TrashSettings;
}

export class TrashAdmin {
  constructor(private readonly parts: TrashAdminParts) {}

  get job(): TrashJob | undefined {
    return this.parts.store.trashJobs.job;
  }

  async report(selection: TrashSelection): Promise<TrashReport> {
    const { store, settings } = this.parts;
    const groups = await store.trashJobs.groups(selection);
    return { ...settings, complete: store.trashKeeper.knowsAll, stats: store.stats.trash, groups };
  }

  versions(selection: TrashSelection): Promise<TrashVersionReport[]> {
    return this.parts.store.trashJobs.versions(selection, MAX_VERSIONS);
  }

  /** Throws where the FTP root may not be used now, or another job runs. */
  async start(action: TrashJob['action'], request: RestoreRequest & EmptyRequest): Promise<TrashJob> {
    const { root, store } = this.parts;
    await root.open();
    await store.trashKeeper.learn();
    return action === 'restore' ? store.trashJobs.restore(request) : store.trashJobs.empty(request);
  }
}

export function addTrashRoutes(app: Hono, trash: TrashAdmin): void {
  app.get('/trash', async (c) => c.json(await trash.report(selectionOf(c))));
  app.get('/trash/versions', async (c) => c.json(await trash.versions(selectionOf(c))));
  app.get('/trash/job', (c) => (trash.job ? c.json(trash.job) : c.text('no job ran yet', 404)));
  for (const action of ['restore', 'empty'] as const) {
    app.post(`/trash/${action}`, async (c) => {
      const request = await c.req.json<RestoreRequest & EmptyRequest>();
      return c.json(await trash.start(action, request));
    });
  }
}

function selectionOf(c: Context): TrashSelection {
  const { bucket, prefix, volume } = c.req.query();
  return {
    ...(bucket !== undefined && { bucket }),
    ...(prefix !== undefined && { prefix }),
    ...(volume !== undefined && { volume }),
  };
}
