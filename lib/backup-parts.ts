import { Chart } from 'cdk8s';
import { Construct } from 'constructs';

/** Where each part of a stack goes, in the order of a deployment: each step needs what the ones before it have made. */
export interface BackupParts {
  /** Gateways, each with its Service, ServiceAccount and NetworkPolicy. */
  readonly gateways: Construct;
  /** Longhorn's settings. */
  readonly settings: Construct;
  /** Backup targets, which need their gateway. */
  readonly backupTargets: Construct;
  /** Recurring jobs, which need their target. */
  readonly recurringJobs: Construct;
  /** What puts volumes into the jobs. */
  readonly volumeLabels: Construct;
  /** Alert rules, dashboard, ServiceMonitors. */
  readonly monitoring: Construct;
}

/** A file for each step, numbered by cdk8s, so that `kubectl apply -f dist` applies them in order. An app can have them once. */
export function backupCharts(app: Construct): BackupParts {
  return inOrder((id) => new Chart(app, id));
}

/** The parts within one chart. */
export function partsWithin(scope: Construct): BackupParts {
  return inOrder((id) => new Construct(scope, id));
}

function inOrder(make: (id: string) => Construct): BackupParts {
  const parts = {
    gateways: make('gateways'),
    settings: make('settings'),
    backupTargets: make('backup-targets'),
    recurringJobs: make('recurring-jobs'),
    volumeLabels: make('volume-labels'),
    monitoring: make('monitoring'),
  };
  const steps = Object.values(parts);
  steps.slice(1).forEach((step, index) => step.node.addDependency(...steps.slice(index, index + 1)));
  return parts;
}
