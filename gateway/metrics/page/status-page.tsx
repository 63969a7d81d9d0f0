/** The status page: how the gateway and the backups are, on one page that needs nothing but itself. */
import { raw } from 'hono/html';
import type { VerificationRecord } from '../../backups/verify/record';
import { oldest } from '../../backups/verify/share';
import { concerns, levelOf, span, type Concern, type GatewayStatus, type Level } from '../status';
import { formatBytes, formatCount, formatTime } from './format';
import { STYLE } from './style';
import { Moment, Volumes } from './volumes';

const HEADLINES: Readonly<Record<Level, string>> = {
  good: 'All is well',
  standby: 'Standing by',
  attention: 'Needs attention',
  down: 'Backups cannot be made',
};
/** Shapes differ as well as colours. */
const MARKS: Readonly<Record<Level, string>> = {
  good: 'M5 12.5l4.5 4.5L19 7.5',
  standby: 'M9 6.5v11M15 6.5v11',
  attention: 'M12 6v7.5M12 17.4v.2',
  down: 'M7 7l10 10M17 7L7 17',
};

const MIRROR_STATES = {
  current: 'up to date',
  'catching-up': 'catching up',
  unreachable: 'out of reach',
  refused: 'refused',
} as const;

export function StatusPage({ status }: { status: GatewayStatus }) {
  const found = concerns(status);
  const level = levelOf(found, status.store);
  return (
    <>
      {raw('<!doctype html>')}
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <title>{`${HEADLINES[level]} · Longhaul`}</title>
          <style>{raw(STYLE)}</style>
        </head>
        <body>
          <header>
            <p class="brand">Longhaul</p>
            <p class="quiet">
              as of <time datetime={new Date(status.now).toISOString()}>{formatTime(status.now)}</time>
              {' · '}
              <a href="">Reload</a>
            </p>
          </header>
          <main>
            <Headline level={level} found={found} />
            <Facts status={status} />
            <Volumes volumes={status.volumes} now={status.now} />
          </main>
          <footer class="quiet">
            Longhaul {status.version} · up for {span(status.now - status.startedAt)} · figures for Prometheus:{' '}
            <a href="metrics">/metrics</a>
          </footer>
        </body>
      </html>
    </>
  );
}

function Headline({ level, found }: { level: Level; found: readonly Concern[] }) {
  return (
    <section class={`headline ${level}`} aria-labelledby="headline">
      <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
        <circle cx="12" cy="12" r="12" />
        <path d={MARKS[level]} />
      </svg>
      <div>
        <h1 id="headline">{HEADLINES[level]}</h1>
        {found.length > 0 && (
          <ul>
            {found.map(({ text }) => (
              <li>{text}</li>
            ))}
          </ul>
        )}
        {level === 'standby' && <p>Another gateway serves. This one takes over when that one is gone.</p>}
      </div>
    </section>
  );
}

function Facts({ status }: { status: GatewayStatus }) {
  const { ftp, store, longhornSeenAt, availableBytes, verifications, now, volumes } = status;
  const { busy, idle, limit } = ftp.connections;
  const running = volumes.filter((volume) => volume.running).length;
  const backups = volumes.reduce((sum, volume) => sum + volume.backups.length, 0);
  return (
    <dl class="facts">
      <Fact
        name="Longhorn"
        note={running > 0 ? `${formatCount(running, 'backup')} running` : 'no backup running'}
      >
        {longhornSeenAt === undefined ? (
          'not seen yet'
        ) : (
          <>
            seen <Moment at={longhornSeenAt} now={now} />
          </>
        )}
      </Fact>
      <Fact
        name="FTP server"
        note={`${busy} of ${formatCount(limit, 'connection')} busy, ${idle} idle; ${formatCount(ftp.retries, 'retry', 'retries')}`}
      >
        {ftp.lastReplyAt === undefined ? (
          'no answer yet'
        ) : (
          <>
            answered <Moment at={ftp.lastReplyAt} now={now} />
          </>
        )}
      </Fact>
      {store.stats.mirror && (
        <Fact
          name="Mirror"
          note={`${formatCount(store.stats.mirror.pending, 'change')} to carry over; ${formatCount(store.stats.mirror.reads, 'read')} from it`}
        >
          {MIRROR_STATES[store.stats.mirror.state]}
        </Fact>
      )}
      <Fact
        name="Stored"
        note={`${formatCount(store.entries, 'file or directory', 'files and directories')} in the catalog`}
      >
        {formatCount(backups, 'backup')} of {formatCount(volumes.length, 'volume')}
      </Fact>
      <Fact
        name="Space"
        note={`${formatBytes(ftp.bytesSent)} sent and ${formatBytes(ftp.bytesReceived)} fetched since the start`}
      >
        {availableBytes === undefined ? 'not told by the server' : `${formatBytes(availableBytes)} free`}
      </Fact>
      {verifications.length === 0 && (
        <Fact name="Verification" note={'run "longhaul verify"'}>
          none yet
        </Fact>
      )}
      {verifications.map(({ location, record }) => (
        <Fact
          name={location === 'first' ? 'Verification' : 'Verification of the mirror'}
          note={verdictsOf(record, now)}
        >
          ended <Moment at={record.endedAt} now={now} />
        </Fact>
      ))}
    </dl>
  );
}

function verdictsOf({ sets, sliceTimes }: VerificationRecord, now: number): string {
  const sum = (pick: (set: VerificationRecord['sets'][number]) => number): number =>
    sets.reduce((total, set) => total + pick(set), 0);
  const restorable = sum((set) => set.restorable);
  const all = restorable + sum((set) => set.damaged + set.unknown);
  const since = oldest(sliceTimes);
  const reach = since === 0 ? 'not all blocks read yet' : `all blocks read in ${span(now - since)}`;
  return `${restorable} of ${formatCount(all, 'backup')} restorable; ${reach}`;
}

function Fact({ name, note, children }: { name: string; note: string; children?: unknown }) {
  return (
    <div class="card">
      <dt>{name}</dt>
      <dd>{children}</dd>
      <dd class="quiet">{note}</dd>
    </div>
  );
}
