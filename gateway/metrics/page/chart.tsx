/** The backups of a volume over the last 30 days, as bars: where they stand tells their age, how high they are their size. */
import { span } from '../status';
import type { BackupStatus } from '../volume-status';
import { formatBytes, formatCount } from './format';

const DAYS = 30;
const DAY_MS = 86_400_000;
const WIDTH = 300;
const HEIGHT = 44;
const BAR_WIDTH = 5;
const LOWEST_BAR = 3;
const HIGHEST_BAR = 38;

interface ChartProps {
  readonly backups: readonly BackupStatus[];
  readonly now: number;
}

export function BackupChart({ backups, now }: ChartProps) {
  const recent = backups.filter(({ storedAt }) => now - storedAt < DAYS * DAY_MS);
  const largest = Math.max(1, ...recent.map(({ receivedBytes = 0 }) => receivedBytes));
  return (
    <svg
      class="chart"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={describeChart(backups, recent, now)}
    >
      {[7, 14, 21, 28].map((day) => (
        <line class="week" x1={positionOf(day)} x2={positionOf(day)} y1="4" y2={HEIGHT - 2} />
      ))}
      <line class="base" x1="0" x2={WIDTH} y1={HEIGHT - 1.5} y2={HEIGHT - 1.5} />
      {recent.map(({ storedAt, receivedBytes }) => {
        const share = receivedBytes === undefined ? 0.25 : Math.sqrt(receivedBytes / largest);
        const height = LOWEST_BAR + share * (HIGHEST_BAR - LOWEST_BAR);
        return (
          <rect
            class={receivedBytes === undefined ? 'bar unknown' : 'bar'}
            x={positionOf((now - storedAt) / DAY_MS) - BAR_WIDTH}
            y={HEIGHT - 2 - height}
            width={BAR_WIDTH}
            height={height}
            rx="1.5"
          />
        );
      })}
    </svg>
  );
}

/** @param age in days */
function positionOf(age: number): number {
  return Math.round(WIDTH * (1 - age / DAYS) * 10) / 10;
}

function describeChart(
  backups: readonly BackupStatus[],
  recent: readonly BackupStatus[],
  now: number,
): string {
  const last = backups.at(-1);
  if (!last) return 'No backup is stored.';
  const size = last.receivedBytes === undefined ? '' : `, ${formatBytes(last.receivedBytes)} uploaded`;
  return `${formatCount(recent.length, 'backup')} in the last ${DAYS} days. The last one is ${span(now - last.storedAt)} old${size}.`;
}
