import { Construct } from 'constructs';
import { checkCredentials, type Credentials } from './credentials';
import { checkNamespace } from './namespace';
import { gatewayEndpoint } from './names';
import type { TargetOptions } from './longhorn-backup';
import { accept, inside } from './problems';
import { GatewaySecret, LonghornSecret } from './secrets';

/** The props of the Secrets of one target. */
export interface TargetSecretsProps {
  /** As `LonghornBackup` has it: names, port and encryption are taken from it. @default - the target `default` */
  readonly target?: TargetOptions;
  /** Longhorn's. @default 'longhorn-system' */
  readonly namespace?: string;
  /** What goes in; checked, and never shown. */
  readonly credentials: Credentials;
  /** PEM of the authority that signed the certificate in `gateway.tlsSecret`. @default - those that Longhorn trusts */
  readonly authority?: string;
}

/**
 * Both Secrets of a backup target: the gateway's and Longhorn's. They belong into an app of their own, whose output nobody commits: the
 * manifests hold passwords and the encryption key.
 */
export class TargetSecrets extends Construct {
  constructor(scope: Construct, id: string, props: TargetSecretsProps) {
    super(scope, id);
    const { target: { name: target, credentialSecret, gateway = {} } = {}, namespace, credentials } = props;
    const { encryption = true, servicePort, tlsSecret, ftp } = gateway;
    // Both Secrets would tell the same problems.
    const findings = [
      ...checkNamespace(namespace),
      ...inside('credentials', checkCredentials(credentials, { encryption })),
    ];
    if (!accept(this, findings)) return;
    const shared = { target, namespace, credentials };
    new GatewaySecret(this, 'gateway', {
      ...shared,
      encryption,
      name: gateway.credentialSecret,
      ftpTls: ftp?.tls,
    });
    new LonghornSecret(this, 'longhorn', {
      ...shared,
      name: credentialSecret,
      endpoint: gatewayEndpoint({ target, namespace, servicePort, tlsSecret }),
      authority: props.authority,
    });
  }
}
