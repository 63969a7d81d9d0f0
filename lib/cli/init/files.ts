/** The files that `longhaul init` writes. Pure. */
import { stringify } from 'yaml';
import type { Credentials } from '../../credentials';
import type { LONGHORN_SECRET_KEYS } from '../../names';
import { parsePvcs, parseSchedule, type Answers } from './answers';

export const SETTINGS_FILE = 'longhaul.yaml';
export const SECRETS_FILE = 'secrets/longhorn.yaml';
/** ConfigMap with the authority of the FTP server, where one was given. */
export const CA_CONFIG_MAP = 'longhaul-ftp-ca';
const REGION = 'box';

export interface Made {
  /** 64 hex digits. */
  readonly encryptionKey: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** What the trial of the account taught. */
export interface Learnt {
  readonly connections?: number;
  readonly hasOwnAuthority: boolean;
}

export function settingsText(answers: Answers, learnt: Learnt, secretsFile: boolean): string {
  const { image, bucket, tls } = answers;
  const ftp = {
    ...(tls !== 'explicit' && { tls }),
    ...(learnt.hasOwnAuthority && { ca: { configMap: CA_CONFIG_MAP } }),
    ...(learnt.connections !== undefined && { connections: learnt.connections }),
  };
  const target = {
    bucket,
    region: REGION,
    ...(secretsFile && { secretsFile: SECRETS_FILE }),
    ...(Object.keys(ftp).length > 0 && { gateway: { ftp } }),
  };
  const job = {
    name: 'backup',
    ...parseSchedule(answers.schedule),
    retain: 7,
    pvcs: parsePvcs(answers.pvcs),
  };
  return `# Made by \`longhaul init\`. The manifests in dist/ are made from it. It holds no secret.\n${stringify(
    { image, targets: [target], recurringJobs: [job] },
  )}`;
}

export function credentialsOf(answers: Answers, made: Made): Required<Omit<Credentials, 'encryption_keys'>> {
  return {
    ftp_host: answers.host,
    ftp_port: answers.port,
    ftp_user: answers.user,
    ftp_password: answers.password,
    ftp_path: answers.path,
    s3_access_key_id: made.accessKeyId,
    s3_secret_access_key: made.secretAccessKey,
    encryption_key: made.encryptionKey,
    backup_bucket_name: answers.bucket,
    backup_region: REGION,
  };
}

export function secretsText(credentials: Credentials): string {
  return `# Secret. Keep a copy of encryption_key apart from this machine and from the cluster: without it no backup can be restored.\n${stringify(
    credentials,
    { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' },
  )}`;
}

/** A Secret as `kubectl create secret --from-env-file` takes it: `key=value` lines, taken as they stand. */
export function envFile(data: Readonly<Record<string, string>>): string {
  return Object.entries(data)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

export function longhornSecret(
  credentials: Credentials,
  endpoint: string,
): Record<(typeof LONGHORN_SECRET_KEYS)[number], string> {
  return {
    AWS_ACCESS_KEY_ID: credentials.s3_access_key_id,
    AWS_SECRET_ACCESS_KEY: credentials.s3_secret_access_key,
    AWS_ENDPOINTS: endpoint,
  };
}
