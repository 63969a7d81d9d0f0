/** The order of a deployment: each stage is applied, and what must work before the next one is waited for. Pure. */
import type { Manifest } from './manifests';

export type StageName = 'secrets' | 'gateway' | 'settings' | 'backup target' | 'recurring jobs' | 'labels';

export interface Stage {
  readonly name: StageName;
  readonly manifests: readonly Manifest[];
}

const ORDER: readonly StageName[] = [
  'secrets',
  'gateway',
  'settings',
  'backup target',
  'recurring jobs',
  'labels',
];

const STAGE_OF_KIND: Readonly<Record<string, StageName>> = {
  Namespace: 'secrets',
  Secret: 'secrets',
  Setting: 'settings',
  BackupTarget: 'backup target',
  RecurringJob: 'recurring jobs',
  Job: 'labels',
  CronJob: 'labels',
};

/** Deleting one of these deletes data; a tool that applies them will one day prune them. */
const NEVER_DEPLOYED = ['Backup', 'BackupVolume', 'SystemBackup', 'Volume', 'PersistentVolume'];

/** What a deployment can do without on a cluster that does not serve it. */
const OPTIONAL_KINDS = ['PodDisruptionBudget', 'CronJob', 'ServiceMonitor', 'PrometheusRule'];

export function stagesOf(manifests: readonly Manifest[]): Stage[] {
  return ORDER.map((name) => ({
    name,
    manifests: manifests.filter((manifest) => (STAGE_OF_KIND[manifest.kind] ?? 'gateway') === name),
  })).filter((stage) => stage.manifests.length > 0);
}

/** The first manifest that must not be deployed, if any. */
export function findForbidden(manifests: readonly Manifest[]): Manifest | undefined {
  return manifests.find((manifest) => NEVER_DEPLOYED.includes(manifest.kind));
}

export function isOptional(manifest: Manifest): boolean {
  return OPTIONAL_KINDS.includes(manifest.kind);
}

/**
 * Longhorn makes these objects itself and so owns their fields; a deployment is meant to set them nevertheless.
 */
export function takesFieldsOver(manifest: Manifest): boolean {
  return manifest.kind === 'Setting' || manifest.kind === 'BackupTarget';
}
