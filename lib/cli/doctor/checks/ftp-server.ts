/** What the gateway says about itself and about its FTP server. */
import { describeObject } from '../../kinds';
import { formatBytes } from '../../output';
import { judge, judgeAll, ok, problem, type Check } from '../finding';

/** Less free space than this is a problem: one block of a large volume's backup after the other would fail. */
const LOW_SPACE_BYTES = 5 * 1024 ** 3;

export const ftpServer: Check = {
  name: 'FTP server',
  run: (facts) =>
    judge(facts.gateways, 'FTP server', (gateways) =>
      gateways.flatMap(({ deployment, answers }) => {
        const { name, namespace } = deployment.metadata;
        const subject = `FTP server of ${describeObject('Deployment', name, namespace)}`;
        return judgeAll(
          { version: answers.version, readiness: answers.readiness },
          subject,
          ({ version, readiness }) => {
            const { ready, reason = 'no reason given', freeBytes } = readiness;
            if (!ready) {
              const fix = `check ftp_host, ftp_user, ftp_password and ftp_path in the gateway's Secret; kubectl logs -n ${namespace} -l app=${name}`;
              return [problem(subject, `the gateway ${version} does not serve: ${reason}`, fix)];
            }
            if (freeBytes !== undefined && freeBytes < LOW_SPACE_BYTES) {
              return [
                problem(
                  subject,
                  `it has ${formatBytes(freeBytes)} left`,
                  'delete old backups in Longhorn, lower `retain`, or get more space',
                ),
              ];
            }
            const space =
              freeBytes === undefined ? 'it does not tell its free space' : `${formatBytes(freeBytes)} free`;
            return [ok(subject, `reachable through gateway ${version}; ${space}`)];
          },
        );
      }),
    ),
};
