/** `longhaul deploy`: applies the manifests in the order in which the parts need each other, and waits in between. */
import { kindMissing } from '../cluster-error';
import type { Cluster } from '../cluster';
import type { CommandContext } from '../context';
import { BACKUP_TARGET, describeObject, type BackupTarget, type Kind } from '../kinds';
import { count, EXIT, json, RefusedError, table, UsageError, type ExitCode } from '../output';
import { Progress } from '../terminal';
import { applyManifest, type ApplyResult } from './apply';
import { awaitApplied } from './await-stage';
import { readManifests, type Manifest } from './manifests';
import { findForbidden, isOptional, stagesOf, type StageName } from './stages';

export interface DeployOptions {
  /** Files or directories with manifests. */
  readonly paths: readonly string[];
  readonly dryRun: boolean;
  /** For each thing that is waited for. */
  readonly timeoutMs: number;
  readonly forceConflicts: boolean;
  /** Allows a backup target that points elsewhere today to be pointed at the gateway. */
  readonly replaceBackupTarget: boolean;
}

interface Row {
  readonly stage: StageName;
  readonly object: string;
  readonly result: ApplyResult;
}

interface Located {
  readonly manifest: Manifest;
  readonly kind: Kind;
}

export async function deploy(context: CommandContext, options: DeployOptions): Promise<ExitCode> {
  const manifests = readManifests(options.paths);
  const forbidden = findForbidden(manifests);
  if (forbidden) {
    const object = describeObject(forbidden.kind, forbidden.metadata.name);
    throw new UsageError(
      `${object} must not be deployed from a manifest: deleting it later would delete data.`,
    );
  }
  const located = await locate(context, manifests);
  if (!options.replaceBackupTarget) await refuseToReplaceTarget(context.cluster, located);
  const rows: Row[] = [];
  try {
    await applyStages(context, options, located, rows);
  } finally {
    // What was done is said even where the rest failed.
    context.terminal.out(
      context.output === 'json'
        ? json({ dryRun: options.dryRun, objects: rows })
        : render(rows, options.dryRun),
    );
  }
  return EXIT.ok;
}

/** Finds each manifest's place in the API before anything is applied; what the cluster lacks and the stack can do without is left out. */
async function locate(
  { cluster, namespace, terminal }: CommandContext,
  manifests: readonly Manifest[],
): Promise<Located[]> {
  const served = new Map<string, Kind[]>();
  for (const apiVersion of new Set(manifests.map((manifest) => manifest.apiVersion))) {
    served.set(apiVersion, await cluster.discover(apiVersion));
  }
  return manifests.flatMap((manifest): Located[] => {
    const { apiVersion, kind: name, metadata } = manifest;
    const kind = served.get(apiVersion)?.find((candidate) => candidate.kind === name);
    if (kind === undefined) {
      if (!isOptional(manifest)) throw kindMissing(apiVersion, name);
      terminal.err(
        `Note: ${describeObject(name, metadata.name)} is left out: this cluster does not serve ${apiVersion}.\n`,
      );
      return [];
    }
    if (!kind.namespaced || metadata.namespace !== undefined) return [{ manifest, kind }];
    return [{ kind, manifest: { ...manifest, metadata: { ...metadata, namespace } } }];
  });
}

async function refuseToReplaceTarget(cluster: Cluster, located: readonly Located[]): Promise<void> {
  for (const { manifest } of located) {
    if (manifest.kind !== BACKUP_TARGET.kind) continue;
    const { name, namespace } = manifest.metadata;
    const current = (await cluster.get(BACKUP_TARGET, name, namespace))?.spec?.backupTargetURL;
    const next = (manifest as BackupTarget).spec?.backupTargetURL;
    if (!current || current === next) continue;
    throw new RefusedError(
      `${describeObject(manifest.kind, name, namespace)} points to ${current} today. Pointing it to ${next} makes Longhorn forget the ` +
        'backups of the old target (their data stays there) and start a new chain for each volume: ' +
        'say --replace-backup-target if that is what you want.',
    );
  }
}

async function applyStages(
  context: CommandContext,
  options: DeployOptions,
  located: readonly Located[],
  rows: Row[],
): Promise<void> {
  const progress = new Progress(context.terminal);
  const kindOf = new Map(located.map(({ manifest, kind }) => [manifest, kind]));
  const { timeoutMs } = options;
  const wait = { clock: context.clock, timeoutMs, report: (text: string): void => progress.update(text) };
  try {
    for (const { name: stage, manifests } of stagesOf(located.map(({ manifest }) => manifest))) {
      progress.update(`Applying ${stage} ...`);
      const applied = [];
      for (const manifest of manifests) {
        const kind = kindOf.get(manifest);
        if (kind === undefined) continue;
        const { result, before } = await applyManifest(context.cluster, kind, manifest, options);
        applied.push({ manifest, result, before });
        rows.push({
          stage,
          object: describeObject(manifest.kind, manifest.metadata.name, manifest.metadata.namespace),
          result,
        });
      }
      for (const each of options.dryRun ? [] : applied) {
        const state = await awaitApplied(context, each, wait);
        if (state !== undefined) progress.line(state);
      }
    }
  } finally {
    progress.done();
  }
}

function render(rows: readonly Row[], dryRun: boolean): string {
  if (rows.length === 0) return '';
  const changes = rows.filter((row) => row.result !== 'unchanged').length;
  const summary =
    changes === 0
      ? `Nothing to change: ${count(rows.length, 'object')} as the manifests say`
      : `${count(changes, 'change')}${dryRun ? ' to make (dry run)' : ''} of ${count(rows.length, 'object')}`;
  const cells = rows.map(({ stage, object, result }) => [stage, object, result]);
  return `${table(['STAGE', 'OBJECT', 'RESULT'], cells)}\n${summary}.\n`;
}
