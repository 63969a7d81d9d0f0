/** What `longhaul.yaml` may hold. `npm run schema` makes `schema.json` from this file. */
import type { LonghornBackupProps, TargetOptions } from '../longhorn-backup';

/** A backup target with its gateway, and the file that its Secrets are made from. */
export interface TargetSettings extends TargetOptions {
  /**
   * File with the FTP account, the S3 key pair and the encryption key, such as `secrets/longhorn.yaml`; its path is taken from the
   * directory of the settings. The Secrets are made from it, apart from the other manifests. @default - the Secrets exist
   */
  readonly secretsFile?: string;
  /** PEM file of the authority that signed the certificate in `gateway.tlsSecret`, for the Secret of Longhorn. @default - those that Longhorn trusts */
  readonly authorityFile?: string;
}

/** The props of `LonghornBackup`, and for each target the file that its Secrets are made from. */
export interface Settings extends Omit<LonghornBackupProps, 'parts' | 'targets'> {
  /**
   * Each has its own gateway, FTP account and names. The backups of a volume go to `default`, unless its `spec.backupTargetName` says
   * otherwise. @default - one, named `default`
   */
  readonly targets?: readonly TargetSettings[];
}
