/** What `uninstall` does, in order, from what is there. Pure. */
import { DEFAULT_TARGET, targetNames } from '../../names';
import {
  BACKUP_TARGET,
  describeObject,
  PERSISTENT_VOLUME_CLAIM,
  RECURRING_JOB,
  VOLUME,
  type Backup,
  type BackupTarget,
  type Kind,
  type KubeObject,
  type PersistentVolumeClaim,
  type RecurringJob,
  type Volume,
} from '../kinds';
import { ourLabels } from '../label/our-labels';
import { count } from '../output';

export interface Located {
  readonly kind: Kind;
  readonly object: KubeObject;
}

export interface UninstallFacts {
  /** What runs the label command: goes first, so that it cannot label anew. */
  readonly labellers: readonly Located[];
  /** Everything else of ours but Longhorn's kinds. */
  readonly parts: readonly Located[];
  readonly pvcs: readonly PersistentVolumeClaim[];
  readonly volumes: readonly Volume[];
  /** Those with our label. */
  readonly recurringJobs: readonly RecurringJob[];
  readonly backupTargets: readonly BackupTarget[];
  readonly backups: readonly Backup[];
}

export interface UninstallChoices {
  /** Deletes our RecurringJobs too; backups that they made stay. */
  readonly recurringJobs: boolean;
  /** Blanks the URL of the backup targets that lead to the gateway. */
  readonly blankBackupTarget: boolean;
}

export type Action =
  | { readonly do: 'delete'; readonly kind: Kind; readonly object: KubeObject }
  | {
      readonly do: 'unlabel';
      readonly kind: Kind;
      readonly object: KubeObject;
      readonly labels: readonly string[];
    }
  | { readonly do: 'blank'; readonly kind: Kind; readonly object: KubeObject };

export interface UninstallPlan {
  readonly actions: readonly Action[];
  /** Consequences, and what stays. */
  readonly notes: readonly string[];
}

export function planUninstall(facts: UninstallFacts, choices: UninstallChoices): UninstallPlan {
  const targets = facts.backupTargets.filter(leadsToGateway);
  const jobs = choices.recurringJobs
    ? facts.recurringJobs.map((object) => ({ kind: RECURRING_JOB, object }))
    : [];
  const actions: Action[] = [
    ...facts.labellers.map(toDelete),
    ...unlabelled(PERSISTENT_VOLUME_CLAIM, facts.pvcs),
    ...unlabelled(VOLUME, facts.volumes),
    ...jobs.map(toDelete),
    ...(choices.blankBackupTarget
      ? targets.map((object): Action => ({ do: 'blank', kind: BACKUP_TARGET, object }))
      : []),
    ...facts.parts.map(toDelete),
  ];
  return { actions, notes: actions.length === 0 ? [] : notesOn(facts, choices, targets) };
}

/** Whether a target uses the Secret that the manifests name for it. */
function leadsToGateway(target: BackupTarget): boolean {
  const { backupTargetURL, credentialSecret } = target.spec ?? {};
  return Boolean(backupTargetURL) && credentialSecret === targetNames(target.metadata.name).longhornSecret;
}

function toDelete({ kind, object }: Located): Action {
  return { do: 'delete', kind, object };
}

function unlabelled(kind: Kind, objects: readonly KubeObject[]): Action[] {
  return objects.flatMap((object): Action[] => {
    const labels = [...ourLabels(object)];
    return labels.length === 0 ? [] : [{ do: 'unlabel', kind, object, labels }];
  });
}

function notesOn(
  facts: UninstallFacts,
  choices: UninstallChoices,
  targets: readonly BackupTarget[],
): string[] {
  const notes: string[] = [];
  const running = facts.backups.filter(({ status }) =>
    ['', 'Pending', 'InProgress'].includes(status?.state ?? ''),
  ).length;
  if (running > 0)
    notes.push(`${count(running, 'backup')} ${running === 1 ? 'is' : 'are'} under way and will fail.`);
  for (const { metadata } of targets) {
    const object = describeObject(BACKUP_TARGET.kind, metadata.name, metadata.namespace);
    const cannot = metadata.name === DEFAULT_TARGET ? ' (it cannot be deleted)' : '';
    notes.push(
      choices.blankBackupTarget
        ? `${object}: its URL is blanked${cannot}. The Backup objects of this target leave the cluster; the data stays on the FTP server, and comes back into view when the URL is set again.`
        : `${object} stays and becomes unavailable${cannot}; --blank-backup-target blanks its URL.`,
    );
  }
  if (facts.recurringJobs.length > 0 && !choices.recurringJobs) {
    const names = facts.recurringJobs.map(({ metadata }) => metadata.name).join(', ');
    notes.push(
      `The recurring jobs stay (${names}), and find no volumes of ours; --recurring-jobs deletes them.`,
    );
  }
  notes.push(
    "Backups, their data on the FTP server and Longhorn's settings stay. Keep the encryption key: without it the backups cannot be read.",
  );
  return notes;
}
