import { Construct } from 'constructs';
import { Setting } from '../imports/longhorn.io';
import { watchApp } from './app-rules';
import { DETACHED_SETTING, LONGHORN_NAMESPACE } from './names';
import { checkNamespace } from './namespace';
import { ownLabels } from './own-labels';
import { accept, expect } from './problems';

/** The props of one of Longhorn's settings. */
export interface LonghornSettingProps {
  /** Longhorn's name of it. A name that the cluster's version does not know is refused there. */
  readonly name: string;
  /** Text, also for numbers and booleans. */
  readonly value: string;
  /** Longhorn's. @default 'longhorn-system' */
  readonly namespace?: string;
}

/** A setting of Longhorn. It can be changed, never deleted: removing it from the manifests leaves it as it is in the cluster. */
export class LonghornSetting extends Construct {
  constructor(scope: Construct, id: string, props: LonghornSettingProps) {
    super(scope, id);
    const { name, value, namespace = LONGHORN_NAMESPACE } = props;
    const findings = [
      ...expect(
        /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name),
        'name',
        name,
        'expected a name such as "backup-compression-method"',
      ),
      ...checkNamespace(props.namespace),
    ];
    if (!accept(this, findings)) return;
    watchApp(this);
    new Setting(this, 'Resource', { metadata: { name, namespace, labels: ownLabels() }, value });
  }
}

/** The props of the setting for detached volumes. */
export interface DetachedVolumeBackupsProps {
  /** Longhorn's. @default 'longhorn-system' */
  readonly namespace?: string;
  /** Whether recurring jobs attach a detached volume for their run; a workload that starts meanwhile waits. @default true */
  readonly enabled?: boolean;
}

/** Without this setting, recurring jobs skip the volumes that no pod uses when they run, and nobody is told. */
export class DetachedVolumeBackups extends Construct {
  constructor(scope: Construct, id: string, props: DetachedVolumeBackupsProps = {}) {
    super(scope, id);
    const { namespace, enabled = true } = props;
    new LonghornSetting(this, 'Setting', { name: DETACHED_SETTING, value: String(enabled), namespace });
  }
}
