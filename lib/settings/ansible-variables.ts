/**
 * The variables of the Ansible role that Longhaul grew out of, each with the place of what it said: in `longhaul.yaml`, or in the file that
 * `secretsFile` names. They are not read; whoever writes one is told where it belongs.
 */

const IN_SECRETS_FILE = 'the file that `targets[].secretsFile` names';

export const ANSIBLE_VARIABLES: Readonly<Record<string, string>> = {
  longhorn_namespace: '`namespace`',
  s3_to_ftp_enabled: '`enabled`',
  s3_to_ftp_image: '`image`',
  s3_to_ftp_replicas: '`targets[].gateway.replicas`',
  s3_to_ftp_service_port: '`targets[].gateway.servicePort`',
  s3_to_ftp_encryption_enabled: '`targets[].gateway.encryption`',
  s3_to_ftp_resources: '`targets[].gateway.resources`',
  recurring_backups: '`recurringJobs`',
  full_backup_interval: '`fullBackupInterval`',
  backup_target_url: '`targets[].bucket` and `targets[].region`',
  backup_target_credential_secret: '`targets[].credentialSecret`',
  backup_bucket_name: `\`targets[].bucket\`, or ${IN_SECRETS_FILE}`,
  backup_region: `\`targets[].region\`, or ${IN_SECRETS_FILE}`,
  ftp_host: IN_SECRETS_FILE,
  ftp_port: IN_SECRETS_FILE,
  ftp_user: IN_SECRETS_FILE,
  ftp_password: IN_SECRETS_FILE,
  ftp_path: IN_SECRETS_FILE,
  s3_access_key_id: IN_SECRETS_FILE,
  s3_secret_access_key: IN_SECRETS_FILE,
  encryption_key: IN_SECRETS_FILE,
};
