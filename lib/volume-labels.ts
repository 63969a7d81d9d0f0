import { createHash } from 'node:crypto';
import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import { watchApp } from './app-rules';
import { checkImage } from './image';
import { LABEL_VOLUMES_NAME, LONGHAUL_COMMAND, LONGHORN_NAMESPACE } from './names';
import { checkNamespace } from './namespace';
import { ownLabels } from './own-labels';
import { RESTRICTED_CONTAINER, RESTRICTED_POD } from './pod-security';
import { accept } from './problems';
import type { PvcReference } from './recurring-job-options';
import { cronFindings } from './recurring-job-rules';

/** The PVCs of one recurring job. */
export interface LabelledJob {
  /** Name of the recurring job. */
  readonly name: string;
  /** None: whatever we put into the job before leaves it. */
  readonly pvcs: readonly PvcReference[];
}

/** The props of what labels volumes. */
export interface VolumeLabelsProps {
  /** The gateway's image: it has the command. With a tag or a digest. */
  readonly image: string;
  /** Every job whose volumes are labelled. A job that is left out here loses the labels that we set for it. */
  readonly jobs: readonly LabelledJob[];
  /** Longhorn's. @default 'longhorn-system' */
  readonly namespace?: string;
  /** When the labels are looked after, as cron in UTC: a PVC that was made or restored anew joins its job then. @default '17 * * * *' */
  readonly schedule?: string;
  /** Names of Secrets for the image's registry. @default - none */
  readonly imagePullSecrets?: readonly string[];
}

const DEFAULT_LABEL_SCHEDULE = '17 * * * *';

/**
 * Puts the volumes behind PVCs into their recurring jobs, by running `longhaul label` in the cluster: once when it is applied, and then on
 * a schedule. Longhorn selects Volumes by label, and a Volume has a generated name which only the cluster knows; a manifest of a Volume or
 * a PVC, on the other hand, would delete data when it is deleted.
 *
 * What a Job runs cannot be changed. So the name of the Job ends in a digest of what it runs: whatever changes that makes a new Job, and
 * applying the same again changes nothing. A Job that has been replaced does nothing any more, and `longhaul uninstall` removes it.
 */
export class VolumeLabels extends Construct {
  constructor(scope: Construct, id: string, props: VolumeLabelsProps) {
    super(scope, id);
    const { namespace = LONGHORN_NAMESPACE, schedule = DEFAULT_LABEL_SCHEDULE } = props;
    const findings = [
      ...checkImage('image', props.image),
      ...checkNamespace(props.namespace),
      ...cronFindings('schedule', schedule),
    ];
    if (!accept(this, findings)) return;
    watchApp(this);

    const labels = ownLabels();
    const metadata = { name: LABEL_VOLUMES_NAME, namespace, labels };
    new k8s.KubeServiceAccount(this, 'ServiceAccount', { metadata, automountServiceAccountToken: false });
    this.grant(namespace);
    const spec: k8s.JobSpec = {
      // A PVC that is not there yet is no reason to try again at once: the next run will.
      backoffLimit: 1,
      template: { metadata: { labels }, spec: podSpec(namespace, props) },
    };
    new k8s.KubeCronJob(this, 'CronJob', {
      metadata,
      spec: {
        schedule,
        concurrencyPolicy: 'Forbid',
        successfulJobsHistoryLimit: 1,
        failedJobsHistoryLimit: 1,
        jobTemplate: { metadata: { labels }, spec },
      },
    });
    const name = `${LABEL_VOLUMES_NAME}-${digest(spec)}`;
    new k8s.KubeJob(this, 'Job', { metadata: { name, namespace, labels }, spec });
  }

  /** Exactly what the command needs: PVCs are anywhere, Volumes in Longhorn's namespace. */
  private grant(namespace: string): void {
    const subjects = [{ kind: 'ServiceAccount', name: LABEL_VOLUMES_NAME, namespace }];
    const apiGroup = 'rbac.authorization.k8s.io';
    const metadata = { name: LABEL_VOLUMES_NAME, labels: ownLabels() };
    new k8s.KubeClusterRole(this, 'ClusterRole', {
      metadata,
      rules: [
        { apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: ['get', 'list', 'patch'] },
        { apiGroups: [''], resources: ['persistentvolumes'], verbs: ['get'] },
      ],
    });
    new k8s.KubeClusterRoleBinding(this, 'ClusterRoleBinding', {
      metadata,
      roleRef: { apiGroup, kind: 'ClusterRole', name: LABEL_VOLUMES_NAME },
      subjects,
    });
    new k8s.KubeRole(this, 'Role', {
      metadata: { ...metadata, namespace },
      rules: [{ apiGroups: ['longhorn.io'], resources: ['volumes'], verbs: ['get', 'list', 'patch'] }],
    });
    new k8s.KubeRoleBinding(this, 'RoleBinding', {
      metadata: { ...metadata, namespace },
      roleRef: { apiGroup, kind: 'Role', name: LABEL_VOLUMES_NAME },
      subjects,
    });
  }
}

function podSpec(namespace: string, { image, jobs, imagePullSecrets = [] }: VolumeLabelsProps): k8s.PodSpec {
  return {
    serviceAccountName: LABEL_VOLUMES_NAME,
    automountServiceAccountToken: true,
    enableServiceLinks: false,
    restartPolicy: 'Never',
    securityContext: RESTRICTED_POD,
    ...(imagePullSecrets.length > 0 && { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) }),
    containers: [
      {
        name: 'label',
        image,
        imagePullPolicy: 'IfNotPresent',
        command: [...LONGHAUL_COMMAND],
        args: labelArguments(namespace, jobs),
        resources: {
          requests: { cpu: k8s.Quantity.fromString('50m'), memory: k8s.Quantity.fromString('128Mi') },
          limits: { cpu: k8s.Quantity.fromString('500m'), memory: k8s.Quantity.fromString('256Mi') },
        },
        securityContext: RESTRICTED_CONTAINER,
      },
    ],
  };
}

/** `label --namespace <Longhorn's> --job <job>=<namespace>/<pvc>,… …` */
function labelArguments(namespace: string, jobs: readonly LabelledJob[]): string[] {
  return [
    'label',
    '--namespace',
    namespace,
    ...jobs.flatMap(({ name, pvcs }) => [
      '--job',
      `${name}=${pvcs.map((pvc) => `${pvc.namespace}/${pvc.name}`).join(',')}`,
    ]),
  ];
}

const DIGEST_LENGTH = 8;

function digest(spec: k8s.JobSpec): string {
  return createHash('sha256').update(JSON.stringify(spec)).digest('hex').slice(0, DIGEST_LENGTH);
}
