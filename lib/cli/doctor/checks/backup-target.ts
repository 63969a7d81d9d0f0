/** Whether Longhorn can use its backup targets, and has looked at them lately. */
import { parseGoDuration } from '../../../go-duration';
import { DEFAULT_TARGET } from '../../../names';
import { targetState } from '../../backup-target';
import { describeObject, type BackupTarget } from '../../kinds';
import { formatDuration } from '../../output';
import { judge, notKnown, ok, problem, type Check, type Finding } from '../finding';

/** Polls that may be missed: one can fail, one can be under way. */
const POLLS_MISSED = 3;

export const backupTarget: Check = {
  name: 'backup target',
  run: ({ backupTargets, namespace, now }) =>
    judge(backupTargets, 'BackupTarget', (targets) => {
      const inUse = targets.filter(
        (target) => target.metadata.name === DEFAULT_TARGET || target.spec?.backupTargetURL,
      );
      if (inUse.length === 0)
        return [
          problem(
            describeObject('BackupTarget', DEFAULT_TARGET, namespace),
            'it does not exist',
            'longhaul deploy',
          ),
        ];
      return inUse.flatMap((target) => assessTarget(target, now));
    }),
};

function assessTarget(target: BackupTarget, now: Date): Finding[] {
  const subject = describeObject('BackupTarget', target.metadata.name, target.metadata.namespace);
  const { backupTargetURL: url = '', credentialSecret, pollInterval = '' } = target.spec ?? {};
  const state = targetState(target);
  if (state.state === 'unset') return [problem(subject, 'it has no URL', 'longhaul deploy')];
  const findings: Finding[] = [];
  if (url.startsWith('s3://') && !/^s3:\/\/[^@/]+@[^/]+\/.*$/.test(url)) {
    findings.push(
      problem(
        subject,
        `${url} lacks a part`,
        'set spec.backupTargetURL to s3://<bucket>@<region>/ (the final slash is compulsory)',
      ),
    );
  }
  if (url.startsWith('s3://') && !credentialSecret) {
    findings.push(
      problem(subject, 'it names no Secret', 'set spec.credentialSecret to longhorn-backup-s3-credentials'),
    );
  }
  const pollSeconds = parseGoDuration(pollInterval);
  if (pollSeconds === 0) {
    findings.push(
      problem(
        subject,
        'its polling is off: its state stays as it was, and failed backups are never cleared',
        'set spec.pollInterval to 5m0s',
      ),
    );
  }
  if (state.state === 'unavailable')
    return [
      ...findings,
      problem(
        subject,
        `Longhorn cannot use it: ${state.message}`,
        'mend what the message names, and wait one poll',
      ),
    ];
  if (state.state === 'unknown') return [...findings, notKnown(subject, 'Longhorn has not looked at it yet')];
  const syncedAt = target.status?.lastSyncedAt;
  const age = syncedAt ? now.getTime() - new Date(syncedAt).getTime() : undefined;
  if (
    age !== undefined &&
    pollSeconds !== undefined &&
    pollSeconds > 0 &&
    age > POLLS_MISSED * pollSeconds * 1000
  ) {
    const text = `Longhorn has not synced it for ${formatDuration(age)}, though it polls every ${pollInterval}`;
    findings.push(
      problem(
        subject,
        text,
        'see the log of longhorn-manager; raise the setting backup-execution-timeout if listing takes over a minute',
      ),
    );
  }
  if (findings.length > 0) return findings;
  return [
    ok(subject, `${url} is available${age === undefined ? '' : `, synced ${formatDuration(age)} ago`}`),
  ];
}
