/** Whether the Secrets are there, complete, clean, and the two of a target agree. */
import { FTP_SECRET_NAME, GATEWAY_NAME } from '../../../names';
import { describeObject, type BackupTarget, type Deployment } from '../../kinds';
import type { SecretFacts } from '../facts';
import { judgeAll, notKnown, ok, problem, type Check, type Finding } from '../finding';

export const credentials: Check = {
  name: 'credentials',
  run: ({ gateways, secrets, backupTargets, namespace }) =>
    judgeAll({ gateways, secrets, backupTargets }, 'Secrets', ({ gateways, secrets, backupTargets }) => {
      const byName = new Map(secrets.map((secret) => [secret.name, secret]));
      const ours = gateways.map(({ deployment }) => gatewaySecretName(deployment));
      const longhorns = new Set(
        backupTargets.map((target) => target.spec?.credentialSecret ?? '').filter((name) => name !== ''),
      );
      const findings = [...new Set([...ours, ...longhorns])].flatMap((name) =>
        assessSecret(name, byName.get(name), namespace),
      );
      return [...findings, ...disagreements(ours, longhorns, byName, backupTargets, namespace)];
    }),
};

/** The Secret that a gateway's container reads: named after the Deployment, as the constructs name both. */
export function gatewaySecretName(deployment: Deployment): string {
  return FTP_SECRET_NAME + deployment.metadata.name.slice(GATEWAY_NAME.length);
}

function assessSecret(name: string, secret: SecretFacts | undefined, namespace: string): Finding[] {
  const subject = describeObject('Secret', name, namespace);
  if (secret === undefined)
    return [problem(subject, 'it does not exist', 'apply the Secrets; see "The manifests" in the README')];
  if (secret.faults.length === 0) return [ok(subject, `complete (${secret.keys.join(', ')})`)];
  return secret.faults.map(({ key, reason }) =>
    problem(
      subject,
      `${key} ${reason}`,
      `set ${key} in the Secret anew, without blanks or newlines around it`,
    ),
  );
}

/** A target's Secret and its gateway's hold the same key pair; otherwise every request ends in InvalidAccessKeyId or SignatureDoesNotMatch. */
function disagreements(
  ours: readonly string[],
  longhorns: ReadonlySet<string>,
  byName: ReadonlyMap<string, SecretFacts>,
  targets: readonly BackupTarget[],
  namespace: string,
): Finding[] {
  const known = new Set(
    ours.map((name) => byName.get(name)?.credentialDigest).filter((digest) => digest !== undefined),
  );
  if (known.size === 0) return [];
  return [...longhorns].flatMap((name): Finding[] => {
    const digest = byName.get(name)?.credentialDigest;
    if (digest === undefined || known.has(digest)) return [];
    const endpoint = byName.get(name)?.endpoint ?? '';
    const subject = describeObject('Secret', name, namespace);
    // A target that goes elsewhere has credentials of its own.
    if (!endpoint.includes(GATEWAY_NAME)) {
      const users = targets
        .filter((target) => target.spec?.credentialSecret === name)
        .map((target) => target.metadata.name);
      return endpoint === ''
        ? [
            notKnown(
              subject,
              `it names no endpoint, so whose credentials target ${users.join(', ')} needs is not known`,
            ),
          ]
        : [];
    }
    const fix = `make AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in it the same as s3_access_key and s3_secret_key in ${ours.join(', ')}`;
    return [problem(subject, 'its key pair is not the one that the gateway accepts', fix)];
  });
}
