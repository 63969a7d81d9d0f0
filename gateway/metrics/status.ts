/** What the status page tells: one moment of the gateway, and what of it needs somebody's attention. Pure. */
import type { RemoteTreeStats } from '../ftp/remote-tree';
import type { StoreFigures } from './store-metrics';
import type { LocatedVerification } from './verifications';
import type { VolumeStatus } from './volume-status';

/** Times in milliseconds since the epoch. */
export interface GatewayStatus {
  readonly version: string;
  readonly now: number;
  readonly startedAt: number;
  /** Undefined if Longhorn was not seen since the start. */
  readonly longhornSeenAt: number | undefined;
  readonly store: StoreFigures;
  readonly ftp: RemoteTreeStats;
  readonly availableBytes: number | undefined;
  /** The last of each location where one was seen. */
  readonly verifications: readonly LocatedVerification[];
  readonly volumes: readonly VolumeStatus[];
}

/** `down`: backups cannot be made now. `attention`: something is wrong, or will be. `standby`: another gateway serves. */
export type Level = 'good' | 'standby' | 'attention' | 'down';

export interface Concern {
  readonly level: 'attention' | 'down';
  /** A sentence: what is wrong, and what to look at first. */
  readonly text: string;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** The gateway renews its lease every 5 s, or looks at it. */
const FTP_SILENT_MS = MINUTE_MS;
/** Longhorn polls a backup target every 5 min by default. */
const LONGHORN_SILENT_MS = 60 * MINUTE_MS;
/** As soon as that the volume's last backup is called old; the alert rules know the jobs and are exact. */
const BACKUP_OLD_MS = 8 * DAY_MS;
const CERTIFICATE_SOON_MS = 21 * DAY_MS;

/** The worst first. */
export function concerns(status: GatewayStatus): Concern[] {
  const found = [
    ...ftpConcerns(status),
    ...mirrorConcerns(status),
    ...longhornConcerns(status),
    ...volumeConcerns(status),
    ...verificationConcerns(status),
  ];
  return found.sort((a, b) => Number(b.level === 'down') - Number(a.level === 'down'));
}

export function levelOf(found: readonly Concern[], { standby }: StoreFigures): Level {
  if (found.some(({ level }) => level === 'down')) return 'down';
  if (found.length > 0) return 'attention';
  return standby ? 'standby' : 'good';
}

function ftpConcerns({ store, ftp, now }: GatewayStatus): Concern[] {
  const found: Concern[] = [];
  if (ftp.lastReplyAt === undefined || now - ftp.lastReplyAt > FTP_SILENT_MS)
    found.push({
      level: 'down',
      text: `The FTP server has not answered ${ftp.lastReplyAt === undefined ? 'yet' : `for ${span(now - ftp.lastReplyAt)}`}. Look at the server and the way to it.`,
    });
  else if (!store.serving && !store.standby)
    found.push({ level: 'down', text: `The gateway does not serve: ${store.reason ?? 'unknown'}.` });
  if (ftp.fullSince !== undefined)
    found.push({
      level: 'down',
      text: 'The FTP server says that the account is full. Free space on it, or have fewer backups retained.',
    });
  const { certificateExpiresAt } = ftp;
  if (certificateExpiresAt !== undefined && certificateExpiresAt - now < CERTIFICATE_SOON_MS)
    found.push({
      level: certificateExpiresAt < now ? 'down' : 'attention',
      text:
        certificateExpiresAt < now
          ? "The FTP server's certificate has ended. Have it renewed."
          : `The FTP server's certificate ends in ${span(certificateExpiresAt - now)}. Have it renewed.`,
    });
  return found;
}

function mirrorConcerns({ store: { serving, stats } }: GatewayStatus): Concern[] {
  const { mirror } = stats;
  if (!mirror || !serving) return [];
  const { state, reason = 'unknown', lagMs, maxLagMs, extras } = mirror;
  const found: string[] = [];
  if (state === 'refused') found.push(`The mirror is refused: ${reason}.`);
  else if (lagMs > maxLagMs)
    found.push(
      `The mirror is ${span(lagMs)} behind${state === 'unreachable' ? `: ${reason}` : ''}. Look at the second FTP server.`,
    );
  if (extras > 0)
    found.push(
      `The mirror has ${extras} ${extras === 1 ? 'file' : 'files'} that the first FTP server does not have. Run "longhaul verify": the first server may have lost them.`,
    );
  return found.map((text) => ({ level: 'attention', text }));
}

function longhornConcerns({ store, longhornSeenAt, startedAt, now }: GatewayStatus): Concern[] {
  // Nobody asks a gateway that does not serve.
  if (!store.serving || now - (longhornSeenAt ?? startedAt) <= LONGHORN_SILENT_MS) return [];
  const silence =
    longhornSeenAt === undefined ? 'since the gateway started' : `for ${span(now - longhornSeenAt)}`;
  return [
    {
      level: 'attention',
      text: `Longhorn has not asked for anything ${silence}. Run "longhaul doctor": it looks at the backup target.`,
    },
  ];
}

function volumeConcerns({ volumes, now }: GatewayStatus): Concern[] {
  return volumes.flatMap(({ volume, backups, givenUp }): Concern[] => {
    const last = backups.at(-1);
    const found: Concern[] = [];
    if (givenUp)
      found.push({
        level: 'attention',
        text: `The backup ${givenUp.backup} of ${volume} was begun and never ended. Longhorn does not try again by itself: run "longhaul backup now".`,
      });
    if (last && now - last.storedAt > BACKUP_OLD_MS)
      found.push({
        level: 'attention',
        text: `The last backup of ${volume} is ${span(now - last.storedAt)} old.`,
      });
    return found;
  });
}

function verificationConcerns({ verifications, now }: GatewayStatus): Concern[] {
  return verifications.flatMap(({ location, record: { sets, endedAt } }) => {
    const [what, command] =
      location === 'first'
        ? ['The verification', 'longhaul verify']
        : ['The verification of the mirror', 'longhaul verify --mirror'];
    const begin = `${what} ${span(now - endedAt)} ago`;
    return sets.flatMap(({ volume, damaged, unknown, problems }): Concern[] => {
      if (damaged + problems > 0)
        return [
          {
            level: 'attention',
            text: `${begin} found that ${damaged > 0 ? countOf(damaged, 'backup') : 'something'} of ${volume} ${damaged > 1 ? 'are' : 'is'} damaged. Keep what is there, and run "${command}": it names what is wrong. A full backup mends blocks.`,
          },
        ];
      if (unknown > 0)
        return [
          {
            level: 'attention',
            text: `${begin} could not find out whether ${countOf(unknown, 'backup')} of ${volume} can be restored. Run "${command}": it says why.`,
          },
        ];
      return [];
    });
  });
}

function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** A span of time for people, in its largest unit. */
export function span(ms: number): string {
  const minutes = Math.floor(ms / MINUTE_MS);
  if (minutes < 1) return 'less than a minute';
  const [count, unit] =
    minutes < 60
      ? [minutes, 'minute']
      : minutes < 48 * 60
        ? [Math.floor(minutes / 60), 'hour']
        : [Math.floor(minutes / 1440), 'day'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
