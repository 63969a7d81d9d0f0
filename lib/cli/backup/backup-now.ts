/**
 * `longhaul backup now`: what Longhorn does not do by itself after a failed run. For each PVC a snapshot, then a Backup of it, the way
 * Longhorn's own UI makes them; one after the other, because an FTP account has few connections.
 */
import { randomBytes } from 'node:crypto';
import { DEFAULT_TARGET } from '../../names';
import { targetState } from '../backup-target';
import { ClusterError } from '../cluster-error';
import type { CommandContext } from '../context';
import {
  BACKUP,
  BACKUP_TARGET,
  describeObject,
  PERSISTENT_VOLUME,
  PERSISTENT_VOLUME_CLAIM,
  SNAPSHOT,
  VOLUME,
  type Backup,
  type PersistentVolume,
  type Snapshot,
  type Volume,
} from '../kinds';
import { EXIT, formatBytes, json, table, TimedOutError, type ExitCode } from '../output';
import { byName, pvcKey, resolveVolume, type PvcRef } from '../pvc-volume';
import { Progress } from '../terminal';
import { waitFor, type Look, type WaitOptions } from '../wait';

const LONGHORN_API = BACKUP.apiVersion;

export interface BackupNowOptions {
  readonly pvcs: readonly PvcRef[];
  /** Uploads every block again, which mends damaged ones on the target. */
  readonly full: boolean;
  readonly dryRun: boolean;
  /** For each backup. */
  readonly timeoutMs: number;
  /** Ends of the names of snapshots and backups; tests bring their own. @default random */
  readonly suffix?: () => string;
}

interface Row {
  readonly pvc: string;
  readonly volume?: string;
  readonly backup?: string;
  readonly result: 'completed' | 'to be made' | 'failed' | 'timed out';
  readonly reason?: string;
  /** Bytes that were sent, where Longhorn tells. */
  readonly uploadedBytes?: number;
}

export async function backupNow(context: CommandContext, options: BackupNowOptions): Promise<ExitCode> {
  const progress = new Progress(context.terminal);
  const rows: Row[] = [];
  for (const pvc of options.pvcs) {
    rows.push(await backUpPvc(context, options, pvc, progress).finally(() => progress.done()));
  }
  context.terminal.out(
    context.output === 'json' ? json({ dryRun: options.dryRun, backups: rows }) : render(rows),
  );
  if (rows.some(({ result }) => result === 'failed')) return EXIT.problem;
  return rows.some(({ result }) => result === 'timed out') ? EXIT.timedOut : EXIT.ok;
}

async function backUpPvc(
  context: CommandContext,
  options: BackupNowOptions,
  pvc: PvcRef,
  progress: Progress,
): Promise<Row> {
  const key = pvcKey(pvc);
  const found = await findVolume(context, pvc);
  if ('problem' in found) return { pvc: key, result: 'failed', reason: found.problem };
  const { volume } = found;
  const row = { pvc: key, volume: volume.metadata.name };
  const refusal = await whyNot(context, volume);
  if (refusal !== undefined) return { ...row, result: 'failed', reason: refusal };
  if (options.dryRun) return { ...row, result: 'to be made' };
  const name = `longhaul-${(options.suffix ?? randomSuffix)()}`;
  const wait = {
    clock: context.clock,
    timeoutMs: options.timeoutMs,
    report: (text: string): void => progress.update(text),
  };
  try {
    await makeSnapshot(context, volume, name, wait, key);
    const backup = await makeBackup(context, volume, name, options.full, wait, key);
    const uploaded = Number(backup.status?.newlyUploadDataSize);
    return {
      ...row,
      backup: name,
      result: 'completed',
      ...(Number.isFinite(uploaded) && { uploadedBytes: uploaded }),
    };
  } catch (error) {
    if (error instanceof TimedOutError) {
      return {
        ...row,
        backup: name,
        result: 'timed out',
        reason: `${error.message}; Longhorn goes on by itself`,
      };
    }
    if (error instanceof BackupFailed || error instanceof ClusterError) {
      return { ...row, backup: name, result: 'failed', reason: error.message };
    }
    throw error;
  }
}

class BackupFailed extends Error {
  override readonly name = 'BackupFailed';
}

async function findVolume(
  { cluster, namespace }: CommandContext,
  pvc: PvcRef,
): Promise<ReturnType<typeof resolveVolume>> {
  const claim = await cluster.get(PERSISTENT_VOLUME_CLAIM, pvc.name, pvc.namespace);
  const volumeName = claim?.spec?.volumeName;
  const persistentVolume: PersistentVolume | undefined = volumeName
    ? await cluster.get(PERSISTENT_VOLUME, volumeName)
    : undefined;
  const handle = persistentVolume?.spec?.csi?.volumeHandle;
  const volume = handle ? await cluster.get(VOLUME, handle, namespace) : undefined;
  return resolveVolume(
    claim,
    byName(persistentVolume ? [persistentVolume] : []),
    byName(volume ? [volume] : []),
  );
}

/** Longhorn refuses these too, but only after the snapshot, or without saying why. */
async function whyNot({ cluster, namespace }: CommandContext, volume: Volume): Promise<string | undefined> {
  const state = volume.status?.state;
  if (state !== 'attached' && state !== 'detached')
    return `its Volume is ${state ?? 'in no state yet'}, neither attached nor detached`;
  if (volume.status?.robustness === 'faulted')
    return 'its Volume is faulted: salvage it in the Longhorn UI first';
  const name = targetOf(volume);
  const target = await cluster.get(BACKUP_TARGET, name, namespace);
  const object = describeObject('BackupTarget', name, namespace);
  if (target === undefined) return `${object} does not exist`;
  const seen = targetState(target);
  if (seen.state === 'available') return undefined;
  return `${object} is not available${seen.state === 'unavailable' ? `: ${seen.message}` : ''}`;
}

function targetOf(volume: Volume): string {
  return volume.spec?.backupTargetName || DEFAULT_TARGET;
}

async function makeSnapshot(
  { cluster, namespace }: CommandContext,
  volume: Volume,
  name: string,
  wait: WaitOptions,
  pvc: string,
): Promise<void> {
  await cluster.create(SNAPSHOT, {
    apiVersion: LONGHORN_API,
    kind: SNAPSHOT.kind,
    metadata: { name, namespace, labels: { longhornvolume: volume.metadata.name } },
    spec: { volume: volume.metadata.name, createSnapshot: true },
  });
  await waitFor(wait, async (): Promise<Look<true>> => {
    const snapshot: Snapshot | undefined = await cluster.get(SNAPSHOT, name, namespace);
    if (snapshot === undefined) throw new BackupFailed(`its snapshot ${name} has gone`);
    if (snapshot.status?.error)
      throw new BackupFailed(`its snapshot ${name} failed: ${snapshot.status.error}`);
    return snapshot.status?.readyToUse
      ? { done: true }
      : { waitingFor: `${pvc}: waiting for snapshot ${name}` };
  });
}

async function makeBackup(
  { cluster, namespace }: CommandContext,
  volume: Volume,
  name: string,
  full: boolean,
  wait: WaitOptions,
  pvc: string,
): Promise<Backup> {
  await cluster.create(BACKUP, {
    apiVersion: LONGHORN_API,
    kind: BACKUP.kind,
    metadata: {
      name,
      namespace,
      labels: { 'backup-target': targetOf(volume), 'backup-volume': volume.metadata.name },
    },
    spec: {
      snapshotName: name,
      backupMode: full ? 'full' : 'incremental',
      labels: { 'longhaul.io/made-by': 'backup-now' },
    },
  });
  return waitFor(wait, async (): Promise<Look<Backup>> => {
    const backup: Backup | undefined = await cluster.get(BACKUP, name, namespace);
    if (backup === undefined) throw new BackupFailed(`its backup ${name} has gone`);
    const { state = '', progress = 0, error } = backup.status ?? {};
    if (state === 'Completed') return { done: backup };
    if (state === 'Error' || state === 'Unknown')
      throw new BackupFailed(error || `Longhorn calls its backup ${state} and gives no reason`);
    return {
      waitingFor: `${pvc}: backup ${name} ${state === 'InProgress' ? `${progress} %` : 'has not begun'}`,
    };
  });
}

function randomSuffix(): string {
  return randomBytes(5).toString('hex');
}

function render(rows: readonly Row[]): string {
  const cells = rows.map(({ pvc, volume = '-', backup = '-', result, reason, uploadedBytes }) => {
    const detail =
      reason ?? (uploadedBytes === undefined ? undefined : `${formatBytes(uploadedBytes)} uploaded`);
    return [pvc, volume, backup, detail === undefined ? result : `${result}: ${detail}`];
  });
  return table(['PVC', 'VOLUME', 'BACKUP', 'RESULT'], cells);
}
