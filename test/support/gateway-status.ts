/** Moments of a gateway, for the status page. */
import type { VerificationRecord } from '../../gateway/backups/verify/record';
import { FtpTally } from '../../gateway/ftp/tally';
import type { GatewayStatus } from '../../gateway/metrics/status';
import type { BackupStatus, VolumeStatus } from '../../gateway/metrics/volume-status';

export const NOW = Date.UTC(2026, 4, 18, 6, 30);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MIB = 1024 * 1024;

/** One backup a day, the last one `ageMs` old; of the older half the sizes are not known. */
export function dailyBackups(count: number, ageMs: number, sizeOf: (day: number) => number): BackupStatus[] {
  return Array.from({ length: count }, (_, index) => {
    const day = count - 1 - index;
    return {
      name: `backup-${(0x1f3a5c00 + index * 7919).toString(16)}`,
      storedAt: NOW - ageMs - day * DAY,
      ...(day < count / 2 && { receivedBytes: sizeOf(day) * MIB, durationMs: 4 * MINUTE }),
    };
  });
}

const volumes: VolumeStatus[] = [
  {
    bucket: 'longhorn',
    volume: 'pvc-2f6f1c1e-6a7b-4c53-9d0f-0a5a1f8f7a11',
    backups: dailyBackups(30, 3.4 * HOUR, (day) => (day % 7 === 3 ? 2_400 : 180 + 37 * (day % 5))),
  },
  {
    bucket: 'longhorn',
    volume: 'pvc-7a0d0b52-11f0-4be7-8a64-3c9d5b7f2e90',
    backups: dailyBackups(14, 3.1 * HOUR, (day) => 12 + (day % 3) * 9),
  },
  {
    bucket: 'longhorn',
    volume: 'pvc-c41b2d87-93aa-47c6-b0e8-52f1e6d90c3d',
    backups: dailyBackups(3, 2 * DAY, () => 640),
  },
];

const record: VerificationRecord = {
  ...{ version: 1, bucket: 'longhorn', path: '', startedAt: NOW - 3.2 * HOUR, endedAt: NOW - 3 * HOUR },
  soundAt: NOW - 3 * HOUR,
  sets: volumes.map(({ volume, backups }) => ({
    ...{ volume, restorable: backups.length, damaged: 0, unknown: 0, problems: 0 },
    ...{ blocks: 4_200, checkedBlocks: 140, damagedBlocks: 0, unknownBlocks: 0 },
  })),
  sliceTimes: Array.from({ length: 30 }, (_, slice) => NOW - 3.2 * HOUR - slice * DAY),
  faults: [],
};

const ftp = {
  ...new FtpTally(),
  commands: new Map([['STOR', 812]]),
  lastReplyAt: NOW - 2_000,
  certificateExpiresAt: NOW + 61 * DAY,
  connections: { busy: 0, idle: 2, waiting: 0, limit: 4, opened: 9, broken: 1, failedLogins: 0 },
  retries: 3,
  bytesSent: 18_700 * MIB,
  bytesReceived: 42 * MIB,
  fullSince: undefined,
  replacesOnRename: true,
};

export const GOOD: GatewayStatus = {
  version: '1.0.0',
  now: NOW,
  startedAt: NOW - 9 * DAY,
  longhornSeenAt: NOW - 2.2 * MINUTE,
  store: {
    serving: true,
    standby: false,
    epoch: 7,
    buckets: 1,
    entries: 51_873,
    checkpoint: {
      lastAt: NOW - 20 * MINUTE,
      lastSize: 9 * MIB,
      changesSince: 12,
      taken: 3,
      failed: 0,
      intervalMs: HOUR,
    },
    stats: {
      catalog: { files: 15_861, directories: 36_012, proved: 36_012, findings: 0 },
      crawl: { state: 'idle', done: 36_012, total: 36_012, failed: 0, checks: 1 },
      damaged: 0,
      directories: { proved: 36_012, contradictions: 0, foreignNames: 0, lostDirectories: 0 },
      settler: { foreignChanges: 0, unreadable: 0 },
      guard: {
        objections: { named: 0, 'in-progress': 0, unreadable: 0, 'listing-failed': 0, unknown: 0 },
        documentsRead: 0,
      },
      trash: { entries: 1_204, bytes: 2_250 * MIB, kept: 96, expired: 31, evicted: 0, restored: 0 },
      uploads: { uploads: 0, parts: 0, partBytes: 0, expired: 0 },
      rotation: {
        state: 'idle',
        ...{ resealed: { objects: 0, bytes: 0 }, left: { objects: 0, bytes: 0 }, failed: 0, failures: [] },
      },
    },
  },
  ftp,
  availableBytes: 412 * 1024 * MIB,
  verifications: [{ location: 'first', record }],
  volumes,
};

export const EMPTY: GatewayStatus = {
  ...GOOD,
  startedAt: NOW - 40_000,
  longhornSeenAt: undefined,
  store: { ...GOOD.store, entries: 0 },
  ftp: { ...ftp, retries: 0, bytesSent: 0, bytesReceived: 0 },
  availableBytes: undefined,
  verifications: [],
  volumes: [],
};

const [first, second, third] = volumes as [VolumeStatus, VolumeStatus, VolumeStatus];
const run = { bucket: 'longhorn', startedAt: NOW - 6 * MINUTE, lastSeenAt: NOW - 4_000 };

export const RUNNING: GatewayStatus = {
  ...GOOD,
  ftp: { ...ftp, connections: { ...ftp.connections, busy: 2, idle: 1 } },
  volumes: [
    {
      ...first,
      running: { ...run, volume: first.volume, backup: 'backup-8d1f', receivedBytes: 1_340 * MIB },
    },
    second,
    third,
  ],
};

/** Of a second location that is up to date. */
export const MIRROR: NonNullable<GatewayStatus['store']['stats']['mirror']> = {
  state: 'current',
  complete: true,
  pending: 0,
  pendingBytes: 0,
  lagMs: 0,
  maxLagMs: 15 * MINUTE,
  copied: 812,
  copiedBytes: 18_700 * MIB,
  deleted: 96,
  failed: 0,
  extras: 0,
  comparison: { done: 36_012, extras: 0, running: false, endedAt: NOW - 5 * HOUR },
  reads: 0,
  mended: 0,
};

export const ATTENTION: GatewayStatus = {
  ...GOOD,
  longhornSeenAt: NOW - 3 * HOUR,
  ftp: { ...ftp, certificateExpiresAt: NOW + 9 * DAY },
  verifications: [
    {
      location: 'first',
      record: {
        ...record,
        soundAt: NOW - 27 * HOUR,
        sets: record.sets.map((set, place) =>
          place === 0 ? { ...set, restorable: set.restorable - 2, damaged: 2, damagedBlocks: 1 } : set,
        ),
      },
    },
  ],
  volumes: [
    first,
    {
      ...second,
      givenUp: {
        ...run,
        startedAt: NOW - 5 * HOUR,
        volume: second.volume,
        backup: 'backup-51ab',
        receivedBytes: 0,
      },
    },
    { ...third, backups: dailyBackups(3, 12 * DAY, () => 640) },
  ],
};

export const DOWN: GatewayStatus = {
  ...GOOD,
  store: { ...GOOD.store, serving: false, reason: 'the lease on the FTP root could not be renewed' },
  ftp: { ...ftp, lastReplyAt: NOW - 17 * MINUTE, connections: { ...ftp.connections, idle: 0, waiting: 3 } },
};

export const STANDBY: GatewayStatus = {
  ...EMPTY,
  store: {
    ...EMPTY.store,
    serving: false,
    standby: true,
    reason: 'another gateway (0123456789abcdef) holds the lease on the FTP root',
  },
};
