/** Whether AWS_ENDPOINTS leads to the gateway's Service. */
import { S3_PORT } from '../../../names';
import { describeObject, type Service } from '../../kinds';
import { judgeAll, notKnown, ok, problem, type Check, type Finding } from '../finding';

export const endpoint: Check = {
  name: 'endpoint',
  run: ({ secrets, services, backupTargets, namespace }) =>
    judgeAll({ secrets, services, backupTargets }, 'AWS_ENDPOINTS', ({ secrets, services, backupTargets }) =>
      backupTargets.flatMap((target): Finding[] => {
        const { backupTargetURL: url = '', credentialSecret = '' } = target.spec ?? {};
        const secret = secrets.find(({ name }) => name === credentialSecret);
        // A missing Secret is the credential check's; other protocols need none.
        if (!url.startsWith('s3://') || secret === undefined) return [];
        const subject = `AWS_ENDPOINTS in ${describeObject('Secret', credentialSecret, namespace)}`;
        return [assessEndpoint(subject, secret.endpoint, services, namespace)];
      }),
    ),
};

/** `http://<service>[.<namespace>[.svc[.<cluster domain>]]]:<port>`, as the cluster's DNS resolves it from Longhorn's namespace. */
export function assessEndpoint(
  subject: string,
  text: string | undefined,
  services: readonly Service[],
  namespace: string,
): Finding {
  const example = `http://s3-to-ftp.${namespace}.svc.cluster.local:${S3_PORT}`;
  const fix = `set it to ${example}`;
  if (!text) return problem(subject, 'it is missing: Longhorn would talk to Amazon', fix);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol))
    return problem(subject, `"${text}" is no URL with http:// or https://`, fix);
  const [name = '', inNamespace = namespace, svc] = url.hostname.split('.');
  const isServiceName = svc === undefined || svc === 'svc';
  if (!isServiceName || /^[\d.]+$/.test(url.hostname)) {
    return notKnown(
      subject,
      `${url.hostname} is not a Service's name; a proxy on the way that rewrites Accept-Encoding breaks every signature`,
    );
  }
  const service = services.find(
    ({ metadata }) => metadata.name === name && (metadata.namespace ?? namespace) === inNamespace,
  );
  if (service === undefined) return problem(subject, `there is no Service ${inNamespace}/${name}`, fix);
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  const ports = (service.spec.ports ?? []).map((each) => each.port);
  if (!ports.includes(port))
    return problem(
      subject,
      `Service ${inNamespace}/${name} has no port ${port} (it has ${ports.join(', ') || 'none'})`,
      fix,
    );
  return ok(subject, `leads to Service ${inNamespace}/${name}, port ${port}`);
}
