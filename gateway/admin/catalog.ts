/** `/catalog`: what the gateway knows of the FTP root, how sure it is, and how to make it surer. */
import type { Hono } from 'hono';
import type { Catalog } from '../store/catalog';
import type { Checkpoints, CheckpointStats } from '../store/checkpoints';
import type { CrawlProgress } from '../store/crawler';
import type { Finding } from '../store/findings';
import type { FtpRoot } from '../store/ftp-root';
import type { FtpStore } from '../store/ftp-store';

export interface CatalogReport {
  /** Whether the gateway holds the FTP root and may answer. */
  readonly serving: boolean;
  /** Why not. */
  readonly reason?: string;
  /** Of the FTP root; rises with every change of holder. */
  readonly epoch: number;
  readonly buckets: number;
  /** Files below the buckets that may be objects. */
  readonly files: number;
  readonly directories: number;
  /** Directories whose content was proved in this epoch: from these it answers without asking the FTP server. */
  readonly proved: number;
  /** Files and directories on the FTP server that are no object. */
  readonly findings: number;
  /** Since the gateway started. */
  readonly foreignChanges: number;
  readonly lostDirectories: number;
  readonly contradictions: number;
  readonly damaged: number;
  readonly crawl: CrawlProgress;
  readonly checkpoint: CheckpointStats;
}

/** At most this many are told. */
const MAX_FINDINGS = 1_000;

export interface CatalogAdminParts {
  readonly root: FtpRoot;
  readonly catalog: Catalog;
  readonly store: FtpStore;
  readonly checkpoints: Checkpoints;
}

export class CatalogAdmin {
  constructor(private readonly parts: CatalogAdminParts) {}

  report(): CatalogReport {
    const { root, catalog, store, checkpoints } = this.parts;
    const { directories, crawl, settler, damaged } = store.stats;
    return {
      serving: root.isOpen,
      ...(!root.isOpen && { reason: root.reason }),
      epoch: catalog.epoch,
      buckets: catalog.buckets().length,
      ...catalog.counts,
      foreignChanges: settler.foreignChanges,
      lostDirectories: directories.lostDirectories,
      contradictions: directories.contradictions,
      damaged,
      crawl,
      checkpoint: checkpoints.stats,
    };
  }

  findings(): Finding[] {
    const findings: Finding[] = [];
    for (const finding of this.parts.catalog.findings.all()) {
      if (findings.length === MAX_FINDINGS) break;
      findings.push(finding);
    }
    return findings;
  }

  check(): void {
    this.parts.store.crawler.checkSoon();
  }

  /** Nothing is dropped: everything is looked at again, to the last file, before it is answered from. */
  async rebuild(): Promise<void> {
    await this.parts.catalog.doubtEverything();
    this.parts.store.crawler.wake();
  }
}

export function addCatalogRoutes(app: Hono, catalog: CatalogAdmin): void {
  app.get('/catalog', (c) => c.json(catalog.report()));
  app.get('/catalog/findings', (c) => c.json(catalog.findings()));
  app.post('/catalog/check', (c) => {
    catalog.check();
    return c.json(catalog.report());
  });
  app.post('/catalog/rebuild', async (c) => {
    await catalog.rebuild();
    return c.json(catalog.report());
  });
}
