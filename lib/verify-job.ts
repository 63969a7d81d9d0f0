import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import { watchApp } from './app-rules';
import { parseCron } from './cron';
import type { GatewayProps } from './gateway-options';
import { verifyPod } from './gateway-pod';
import { LONGHORN_NAMESPACE, targetNames } from './names';
import type { ExpectedVerification } from './monitoring/verification-alerts';
import { ownLabels } from './own-labels';
import { cronFindings } from './recurring-job-rules';

export const DEFAULT_VERIFY_SCHEDULE = '23 3 * * *';
export const DEFAULT_VERIFY_SHARE = '1/30';

/** Verifies the backups of one target regularly. */
export interface VerifyOptions {
  /** When, as cron in UTC. @default '23 3 * * *' */
  readonly schedule?: string;
  /** Which share of the blocks is read each time, another one each day; whether the others are there is always looked at. @default '1/30' */
  readonly share?: string;
  /** Bytes a second at most, such as `20M`; with a mirror, from each of both servers. @default - no limit */
  readonly limit?: string;
  /** The path in the backup target's URL, where the target is not one of `BackupTarget`, which has none. @default - none */
  readonly path?: string;
}

/**
 * A CronJob that runs `longhaul verify` straight on the FTP server, with the Secret of the gateway, and where there is a mirror a second one that does the
 * same there. A run that finds damage, or cannot find out, ends with a failed Job, and its log has the verdicts. The connections of `ftp.connections`
 * come on top of the gateway's: hosts allow 3 to 10 in all.
 */
export class VerifyJob extends Construct {
  /** What is to be expected of it; undefined without `verify`, or where its schedule has errors. */
  static expected({
    target,
    verify,
    mirror,
  }: Pick<GatewayProps, 'target' | 'verify' | 'mirror'>): ExpectedVerification | undefined {
    if (!verify) return undefined;
    const { schedule = DEFAULT_VERIFY_SCHEDULE, share = DEFAULT_VERIFY_SHARE } = verify;
    if (cronFindings('schedule', schedule).length > 0) return undefined;
    const { verify: name, verifyMirror: mirrorName } = targetNames(target);
    return { name, ...(mirror && { mirrorName }), schedule: parseCron(schedule), share };
  }

  /** @param props those of the gateway, checked; `verify` must be there */
  constructor(scope: Construct, id: string, props: GatewayProps) {
    super(scope, id);
    watchApp(this);
    const { verify, verifyMirror } = targetNames(props.target);
    this.#addCronJob('CronJob', verify, [], props);
    if (props.mirror) this.#addCronJob('MirrorCronJob', verifyMirror, ['--mirror'], props);
  }

  #addCronJob(id: string, name: string, where: readonly string[], props: GatewayProps): void {
    const { namespace = LONGHORN_NAMESPACE, verify = {} } = props;
    const { schedule = DEFAULT_VERIFY_SCHEDULE, share = DEFAULT_VERIFY_SHARE, limit, path } = verify;
    const labels = ownLabels(name);
    const optional = Object.entries({ limit, path }).flatMap(([option, value]) =>
      value === undefined ? [] : [`--${option}`, value],
    );
    new k8s.KubeCronJob(this, id, {
      metadata: { name, namespace, labels },
      spec: {
        schedule,
        concurrencyPolicy: 'Forbid',
        successfulJobsHistoryLimit: 1,
        failedJobsHistoryLimit: 3,
        jobTemplate: {
          metadata: { labels },
          spec: {
            // What is damaged is damaged still when it is looked at again at once.
            backoffLimit: 0,
            template: verifyPod(name, props, ['verify', ...where, '--share', share, ...optional]),
          },
        },
      },
    });
  }
}
