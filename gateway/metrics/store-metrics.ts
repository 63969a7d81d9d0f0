/** The FTP root, its lease, its catalog, and what keeps the objects in it. */
import type { Registry } from 'prom-client';
import type { CheckpointStats } from '../store/checkpoints';
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
  readonly checkpoint: CheckpointStats;
  readonly stats: FtpStoreStats;
}

export function storeMetrics(registry: Registry, read: () => StoreFigures): void {
  const gauge = (name: string, help: string, pick: (figures: StoreFigures) => number) =>
    pulledGauge({ registry, name: `longhaul_${name}`, help }, () => pick(read()));
  const counter = (name: string, help: string, pick: (figures: StoreFigures) => number) =>
    pulledCounter({ registry, name: `longhaul_${name}`, help }, () => pick(read()));

  gauge(
    'serving',
    'Whether this gateway holds the lease on the FTP root and answers: 1, or 0 while it stands by or waits.',
    ({ serving }) => (serving ? 1 : 0),
  );
  gauge('lease_epoch', 'Rises with every change of the holder of the FTP root.', ({ epoch }) => epoch);
  gauge('catalog_buckets', 'Buckets.', ({ buckets }) => buckets);
  gauge('catalog_entries', 'Files and directories in the catalog.', ({ entries }) => entries);
  gauge('catalog_objects', 'Files in the catalog.', ({ stats }) => stats.catalog.files);
  gauge('catalog_directories', 'Directories in the catalog.', ({ stats }) => stats.catalog.directories);
  gauge(
    'catalog_proved_directories',
    'Directories whose content is proved, so that answers need no look at the FTP server.',
    ({ stats }) => stats.catalog.proved,
  );
  gauge(
    'catalog_findings',
    'Files and directories on the FTP server that are no object.',
    ({ stats }) => stats.catalog.findings,
  );
  gauge(
    'crawl_done_directories',
    'Directories that the crawl has done in this pass.',
    ({ stats }) => stats.crawl.done,
  );
  gauge(
    'crawl_known_directories',
    'Directories of this pass, as far as they are known.',
    ({ stats }) => stats.crawl.total,
  );
  gauge(
    'crawl_failed_directories',
    'Directories that failed in the last pass, and are tried again.',
    ({ stats }) => stats.crawl.failed,
  );
  gauge(
    'crawl_remaining_seconds',
    'Time to the end of this pass at the rate so far; 0 while none runs.',
    ({ stats }) => (stats.crawl.remainingMs ?? 0) / 1000,
  );
  gauge(
    'checkpoint_timestamp_seconds',
    'When the last checkpoint of the catalog was taken, in seconds since 1970; 0 before the first.',
    ({ checkpoint }) => (checkpoint.lastAt ?? 0) / 1000,
  );
  gauge(
    'checkpoint_interval_seconds',
    'Time between checkpoints of a catalog that changes.',
    ({ checkpoint }) => checkpoint.intervalMs / 1000,
  );
  gauge(
    'checkpoint_changes',
    'Changes of the catalog since its last checkpoint.',
    ({ checkpoint }) => checkpoint.changesSince,
  );
  counter(
    'checkpoints_failed_total',
    'Checkpoints that could not be taken.',
    ({ checkpoint }) => checkpoint.failed,
  );
  counter(
    'objects_damaged_total',
    'Objects whose bytes turned out not to be what was stored.',
    ({ stats }) => stats.damaged,
  );
  counter(
    'catalog_directories_proved_total',
    'Directories compared with the FTP server.',
    ({ stats }) => stats.directories.proved,
  );
  counter(
    'catalog_contradictions_total',
    'Listings of the FTP server that failed or contradicted the catalog.',
    ({ stats }) => stats.directories.contradictions,
  );
  counter(
    'catalog_foreign_names_total',
    'Names found on the FTP server that are no object.',
    ({ stats }) => stats.directories.foreignNames,
  );
  counter(
    'catalog_foreign_changes_total',
    'Files found added, changed or gone behind the gateway.',
    ({ stats }) => stats.settler.foreignChanges,
  );
  counter(
    'catalog_unreadable_files_total',
    "Files found at an object's path that are no whole object.",
    ({ stats }) => stats.settler.unreadable,
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
  counter('trash_kept_total', 'Files moved into the trash.', ({ stats: { trash } }) => trash.kept);
  counter(
    'trash_restored_total',
    'Files brought back from the trash.',
    ({ stats: { trash } }) => trash.restored,
  );
  counter(
    'trash_expired_total',
    'Files that left the trash because their time was over.',
    ({ stats: { trash } }) => trash.expired,
  );
  counter(
    'trash_evicted_total',
    'Files that left the trash before their time because it held too much.',
    ({ stats: { trash } }) => trash.evicted,
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
    ({ stats }) => stats.uploads.expired,
  );
  gauge(
    'key_rotation_running',
    'Whether objects are being sealed anew with the current key: 1, or 0.',
    ({ stats }) => (stats.rotation.state === 'running' ? 1 : 0),
  );
  gauge(
    'key_rotation_left_objects',
    'Objects, and parts of uploads, that the rotation of keys has still to seal anew, as far as the catalog knows.',
    ({ stats }) => stats.rotation.left.objects,
  );
  gauge(
    'key_rotation_left_bytes',
    'Bytes of objects that the rotation of keys has still to seal anew.',
    ({ stats }) => stats.rotation.left.bytes,
  );
  gauge(
    'key_rotation_failed_objects',
    'Objects that the last pass of a rotation of keys could not seal anew: "longhaul keys rotate" names them.',
    ({ stats }) => stats.rotation.failed,
  );
  counter(
    'key_rotation_resealed_objects_total',
    'Objects that the rotation of keys has sealed anew.',
    ({ stats }) => stats.rotation.resealed.objects,
  );
  counter(
    'key_rotation_resealed_bytes_total',
    'Bytes of objects that the rotation of keys has sealed anew.',
    ({ stats }) => stats.rotation.resealed.bytes,
  );
}
