/** Longhorn, its volumes and their backups, as far as the gateway sees them. */
import type { Registry } from 'prom-client';
import type { BackupRuns } from './backup-runs';
import { seconds } from './ftp-metrics';
import type { VolumeStatus } from './volume-status';
import { pulledCounter, pulledGauge, type Labelled } from './pulled';

export function backupMetrics(
  registry: Registry,
  runs: BackupRuns,
  volumes: () => readonly VolumeStatus[],
): void {
  const gauge = (name: string, help: string, read: () => Labelled<'volume'>) =>
    pulledGauge({ registry, name, help, labelNames: ['volume'] }, read);

  pulledGauge(
    {
      registry,
      name: 'longhaul_longhorn_last_request_timestamp_seconds',
      help: 'When Longhorn last sent a request that it had signed. It polls its backup target, every 5 min by default.',
    },
    () => seconds(runs.lastRequestAt),
  );
  gauge('longhaul_volume_backups', 'Whole backups stored of a Longhorn volume.', () =>
    volumes().map(({ volume, backups }) => [{ volume }, backups.length]),
  );
  gauge(
    'longhaul_volume_last_backup_timestamp_seconds',
    'When the last whole backup of a volume was stored.',
    () =>
      volumes().flatMap(({ volume, backups }) => {
        const last = backups.at(-1);
        return last ? [[{ volume }, last.storedAt / 1000] as const] : [];
      }),
  );
  gauge(
    'longhaul_volume_last_backup_received_bytes',
    'Bytes of blocks that Longhorn uploaded for the last backup of a volume since the gateway started.',
    () => runs.lastFinished().map(({ volume, receivedBytes }) => [{ volume }, receivedBytes]),
  );
  gauge('longhaul_volume_backup_running', 'Whether a backup of a volume is made now.', () =>
    volumes().map(({ volume, running }) => [{ volume }, running ? 1 : 0]),
  );
  pulledCounter(
    {
      registry,
      name: 'longhaul_volume_received_bytes_total',
      help: 'Bytes of blocks received for a Longhorn volume.',
      labelNames: ['volume'],
    },
    () => [...runs.receivedBytes].map(([volume, bytes]) => [{ volume }, bytes]),
  );
}
