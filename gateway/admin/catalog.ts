/** `/catalog`: what the gateway knows of the FTP root, and how sure it is. */
import type { Hono } from 'hono';

export interface CatalogReport {
  /** Whether the gateway holds the FTP root and may answer. */
  readonly serving: boolean;
  /** Why not. */
  readonly reason?: string;
  /** Of the FTP root; rises with every change of holder. */
  readonly epoch: number;
  readonly buckets: number;
  /** Files and directories below the buckets. */
  readonly entries: number;
}

export interface CatalogAdmin {
  report(): CatalogReport;
}

export function addCatalogRoutes(app: Hono, catalog: CatalogAdmin): void {
  app.get('/catalog', (c) => c.json(catalog.report()));
}
