/** The second location: how far it is behind the first, and what it was good for. Without one, or while this gateway does not serve, nothing is exported. */
import type { Registry } from 'prom-client';
import type { FtpStoreStats } from '../store/ftp-store';
import { pulledCounter, pulledGauge } from './pulled';
import type { StoreFigures } from './store-metrics';

type MirrorFigures = NonNullable<FtpStoreStats['mirror']>;

export function mirrorMetrics(registry: Registry, read: () => StoreFigures): void {
  const mirror = (): MirrorFigures | undefined => {
    const { serving, stats } = read();
    return serving ? stats.mirror : undefined;
  };
  const gauge = (name: string, help: string, pick: (figures: MirrorFigures) => number) =>
    pulledGauge({ registry, name: `longhaul_mirror_${name}`, help }, () => {
      const figures = mirror();
      return figures && pick(figures);
    });
  const counter = (name: string, help: string, pick: (figures: MirrorFigures) => number) =>
    pulledCounter({ registry, name: `longhaul_mirror_${name}`, help }, () => {
      const figures = mirror();
      return figures ? pick(figures) : [];
    });

  gauge(
    'lag_seconds',
    'Age of the oldest change that is not on the mirror yet.',
    ({ lagMs }) => lagMs / 1000,
  );
  gauge(
    'max_lag_seconds',
    'Age above which a change that is not on the mirror counts as late (MIRROR_MAX_LAG_MINUTES).',
    ({ maxLagMs }) => maxLagMs / 1000,
  );
  gauge('pending_changes', 'Changes that are not on the mirror yet.', ({ pending }) => pending);
  gauge('pending_stored_bytes', 'Stored bytes of those changes, about.', ({ pendingBytes }) => pendingBytes);
  gauge(
    'complete',
    'Whether all that the mirror lacks is known: both locations were compared, and the mirror is not refused.',
    ({ complete, state }) => (complete && state !== 'refused' ? 1 : 0),
  );
  gauge(
    'extra_files',
    'Files on the mirror that the first location does not have, as of the last comparison.',
    ({ extras }) => extras,
  );
  counter('copied_files_total', 'Files copied to the mirror.', ({ copied }) => copied);
  counter('copied_bytes_total', 'Bytes of them.', ({ copiedBytes }) => copiedBytes);
  counter('deleted_files_total', 'Files deleted on the mirror.', ({ deleted }) => deleted);
  counter('failures_total', 'Changes that could not be carried over, each time.', ({ failed }) => failed);
  counter(
    'reads_total',
    'Objects read from the mirror because the first location could not give them.',
    ({ reads }) => reads,
  );
  counter(
    'mended_files_total',
    'Objects of the first location mended from the mirror.',
    ({ mended }) => mended,
  );
}
