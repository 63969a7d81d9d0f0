/** The FTP root, its lease, its catalog, and what keeps the objects in it. */
import type { Registry } from 'prom-client';
import type { FtpStoreStats } from '../store/ftp-store';
import { pulledCounter, pulledGauge } from './pulled';

export interface StoreFigures {
  /** Whether this gateway holds the FTP root and may answer. */
  readonly serving: boolean;
  /** Whether it does not because another gateway does. */
  readonly standby: boolean;
  /** For people: why it does not. */
  readonly reason?: string;
  readonly epoch: number;
  readonly buckets: number;
  /** Files and directories below the buckets. */
  readonly entries: number;
  readonly stats: FtpStoreStats;
}

export function storeMetrics(registry: Registry, read: () => StoreFigures): void {
  const gauge = (name: string, help: string, pick: (figures: StoreFigures) => number) =>
    pulledGauge({ registry, name: `longhaul_${name}`, help }, () => pick(read()));
  const counter = (name: string, help: string, pick: (stats: FtpStoreStats) => number) =>
    pulledCounter({ registry, name: `longhaul_${name}`, help }, () => pick(read().stats));

  gauge(
    'serving',
    'Whether this gateway holds the lease on the FTP root and answers: 1, or 0 while it stands by or waits.',
    ({ serving }) => (serving ? 1 : 0),
  );
  gauge('lease_epoch', 'Rises with every change of the holder of the FTP root.', ({ epoch }) => epoch);
  gauge('catalog_buckets', 'Buckets.', ({ buckets }) => buckets);
  gauge('catalog_entries', 'Files and directories in the catalog.', ({ entries }) => entries);
  counter(
    'catalog_directories_proved_total',
    'Directories compared with the FTP server.',
    ({ directories }) => directories.proved,
  );
  counter(
    'catalog_contradictions_total',
    'Listings of the FTP server that failed or contradicted the catalog.',
    ({ directories }) => directories.contradictions,
  );
  counter(
    'catalog_foreign_names_total',
    'Names found on the FTP server that nothing of the gateway writes.',
    ({ directories }) => directories.foreignNames,
  );
  counter(
    'catalog_foreign_changes_total',
    'Files found added, changed or gone behind the gateway.',
    ({ settler }) => settler.foreignChanges,
  );
  counter(
    'catalog_unreadable_files_total',
    "Files found at an object's path that are no whole object.",
    ({ settler }) => settler.unreadable,
  );
  pulledCounter(
    {
      registry,
      name: 'longhaul_guard_objections_total',
      help: 'Deletes of blocks that a stored backup needs, or may need, by reason: refused, or with DELETE_GUARD=warn only counted.',
      labelNames: ['reason'],
    },
    () => Object.entries(read().stats.guard.objections).map(([reason, count]) => [{ reason }, count]),
  );
  gauge('trash_files', 'Deleted and replaced files in the trash.', ({ stats }) => stats.trash.entries);
  gauge(
    'trash_stored_bytes',
    'Bytes that the trash takes on the FTP server.',
    ({ stats }) => stats.trash.bytes,
  );
  counter('trash_kept_total', 'Files moved into the trash.', ({ trash }) => trash.kept);
  counter('trash_restored_total', 'Files brought back from the trash.', ({ trash }) => trash.restored);
  counter(
    'trash_expired_total',
    'Files that left the trash because their time was over.',
    ({ trash }) => trash.expired,
  );
  counter(
    'trash_evicted_total',
    'Files that left the trash before their time because it held too much.',
    ({ trash }) => trash.evicted,
  );
  gauge('uploads', 'Multipart uploads in progress.', ({ stats }) => stats.uploads.uploads);
  gauge(
    'upload_stored_bytes',
    'Bytes that the parts of multipart uploads in progress take on the FTP server.',
    ({ stats }) => stats.uploads.partBytes,
  );
  counter(
    'uploads_expired_total',
    'Multipart uploads removed because their client abandoned them.',
    ({ uploads }) => uploads.expired,
  );
}
