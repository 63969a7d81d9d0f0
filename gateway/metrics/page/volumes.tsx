/** A card for each volume. */
import { span } from '../status';
import type { BackupStatus, VolumeStatus } from '../volume-status';
import { BackupChart } from './chart';
import { formatBytes, formatCount, formatTime } from './format';

/** Older ones stand in the FTP server's tree all the same. */
const MOST_ROWS = 50;

interface VolumesProps {
  readonly volumes: readonly VolumeStatus[];
  readonly now: number;
}

export function Volumes({ volumes, now }: VolumesProps) {
  return (
    <section aria-labelledby="volumes">
      <h2 id="volumes">
        Volumes <span class="count">{volumes.length}</span>
      </h2>
      {volumes.length === 0 ? (
        <p class="empty">
          No volume has a backup here yet. The first one appears as soon as Longhorn has made it.
        </p>
      ) : (
        <>
          <p class="legend quiet">
            A bar is a backup: its height is what was uploaded for it, and it is hollow where that is not
            known.
          </p>
          <ul class="volumes">
            {volumes.map((volume) => (
              <VolumeCard volume={volume} now={now} />
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function VolumeCard({
  volume: { volume, bucket, backups, running, givenUp },
  now,
}: {
  volume: VolumeStatus;
  now: number;
}) {
  const last = backups.at(-1);
  return (
    <li class="card volume">
      <h3>{volume}</h3>
      <p class="age">
        {last ? (
          <>
            Last backup{' '}
            <strong>
              <Moment at={last.storedAt} now={now} />
            </strong>
          </>
        ) : (
          <strong>Never backed up</strong>
        )}
      </p>
      <BackupChart backups={backups} now={now} />
      <p class="axis quiet" aria-hidden="true">
        <span>30 days ago</span>
        <span>today</span>
      </p>
      {running && (
        <p class="note running">
          <span class="dot" aria-hidden="true" />
          Backup running for {span(now - running.startedAt)}, {formatBytes(running.receivedBytes)} so far
        </p>
      )}
      {givenUp && (
        <p class="note attention">
          Begun <Moment at={givenUp.startedAt} now={now} /> and never ended
        </p>
      )}
      {backups.length > 0 && (
        <details>
          <summary>
            {formatCount(backups.length, 'backup')} in {bucket}
          </summary>
          <BackupTable volume={volume} backups={backups} />
        </details>
      )}
    </li>
  );
}

function BackupTable({ volume, backups }: { volume: string; backups: readonly BackupStatus[] }) {
  return (
    <table>
      <caption class="unseen">Backups of {volume}, the newest first</caption>
      <thead>
        <tr>
          <th scope="col">Backup</th>
          <th scope="col">Stored</th>
          <th scope="col" class="figure">
            Uploaded
          </th>
        </tr>
      </thead>
      <tbody>
        {backups
          .slice(-MOST_ROWS)
          .reverse()
          .map(({ name, storedAt, receivedBytes }) => (
            <tr>
              <th scope="row">{name}</th>
              <td>
                <time datetime={new Date(storedAt).toISOString()}>{formatTime(storedAt)}</time>
              </td>
              <td class="figure">{receivedBytes === undefined ? 'not known' : formatBytes(receivedBytes)}</td>
            </tr>
          ))}
      </tbody>
    </table>
  );
}

/** How long ago; the exact time for those who point at it or have it read. */
export function Moment({ at, now }: { at: number; now: number }) {
  return (
    <time datetime={new Date(at).toISOString()} title={formatTime(at)}>
      {now - at < 60_000 ? 'just now' : `${span(now - at)} ago`}
    </time>
  );
}
