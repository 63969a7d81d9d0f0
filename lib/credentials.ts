/** The values behind the Secrets, under the keys of the secrets file. */
import { isBucketName } from './bucket-name';
import { OLDER_KEYS_SECRET_KEY } from './names';
import type { Finding } from './problems';

/** What `secrets/longhorn.yaml` holds. None of it is ever shown, and none of it belongs into version control. */
export interface Credentials {
  /** Host name or address, without scheme or path. */
  readonly ftp_host: string;
  /** @default 21, with implicit TLS 990 */
  readonly ftp_port?: number | string;
  /** User name at the FTP server. */
  readonly ftp_user: string;
  /** Password at the FTP server; any text without control characters. */
  readonly ftp_password: string;
  /** Directory on the FTP server that belongs to the gateway. @default '/' */
  readonly ftp_path?: string;
  /** What Longhorn signs its requests with: choose any. 3 to 128 letters, digits or _.+=@- */
  readonly s3_access_key_id: string;
  /** At least 8 characters: choose any. */
  readonly s3_secret_access_key: string;
  /** 64 hex digits, made by `openssl rand -hex 32`. Without it no sealed backup can ever be read: keep a copy elsewhere. @default - none; needed unless `gateway.encryption` is off */
  readonly encryption_key?: string;
  /** Older keys, which only open, with commas between them: while a rotation of keys seals anew what they sealed. @default - none */
  readonly encryption_keys?: string;
  /** @default 'longhorn-backups' */
  readonly backup_bucket_name?: string;
  /** @default 'us-east-1' */
  readonly backup_region?: string;
}

interface Rule {
  readonly required: boolean;
  readonly holds: (value: string) => boolean;
  readonly expected: string;
}

const text = { required: true, holds: (): boolean => true, expected: 'some text' };

/** Every key with what the gateway will accept for it. */
const RULES: Readonly<Record<keyof Credentials, Rule>> = {
  ftp_host: {
    required: true,
    holds: (value) => /^[A-Za-z0-9._:-]+$/.test(value),
    expected: 'a host name or address without scheme or path',
  },
  ftp_port: {
    required: false,
    holds: (value) => /^\d{1,5}$/.test(value) && Number(value) >= 1 && Number(value) <= 65535,
    expected: 'a whole number from 1 to 65535',
  },
  ftp_user: text,
  ftp_password: text,
  ftp_path: {
    required: false,
    holds: (value) =>
      /^[\x20-\x7e]+$/.test(value) && !value.split('/').some((part) => part === '.' || part === '..'),
    expected: 'a path of printable ASCII characters without `.` or `..`',
  },
  s3_access_key_id: {
    required: true,
    holds: (value) => /^[\w.+=@-]{3,128}$/.test(value),
    expected: '3 to 128 letters, digits or _.+=@-',
  },
  s3_secret_access_key: {
    required: true,
    holds: (value) => value.length >= 8,
    expected: 'at least 8 characters',
  },
  encryption_key: {
    required: false,
    holds: (value) => /^[0-9a-fA-F]{64}$/.test(value),
    expected: '64 hex digits (make one with: openssl rand -hex 32)',
  },
  encryption_keys: {
    required: false,
    holds: (value) => /^[0-9a-f]{64}(?:[\s,]+[0-9a-f]{64})*$/i.test(value),
    expected: 'keys of 64 hex digits, with commas between them',
  },
  backup_bucket_name: {
    required: false,
    holds: isBucketName,
    expected: 'a bucket name: 3 to 63 of a-z 0-9 . -',
  },
  backup_region: {
    required: false,
    holds: (value) => /^[a-z0-9]+(-[a-z0-9]+)*$/.test(value),
    expected: 'a word of a-z, 0-9 and inner hyphens',
  },
};

export const CREDENTIAL_KEYS = Object.keys(RULES) as readonly (keyof Credentials)[];

/** Problems of the values. No finding holds a value, only its length. */
export function checkCredentials(
  credentials: Credentials,
  options: { readonly encryption: boolean },
): Finding[] {
  const findings = CREDENTIAL_KEYS.flatMap((key) => checkValue(key, credentials[key]));
  if (options.encryption && isAbsent(credentials.encryption_key)) {
    findings.push(
      secretProblem(
        'encryption_key',
        '',
        'is missing, and encryption is on: make one with `openssl rand -hex 32`, or say `encryption: false`',
      ),
    );
  }
  return findings;
}

function checkValue(key: keyof Credentials, given: string | number | undefined): Finding[] {
  const { required, holds, expected } = RULES[key];
  if (isAbsent(given)) return required ? [secretProblem(key, '', `is missing: expected ${expected}`)] : [];
  const value = String(given);
  const shown = `(${value.length} character${value.length === 1 ? '' : 's'})`;
  if (value !== value.trim())
    return [secretProblem(key, shown, 'has a blank or a newline at its start or end')];
  if (/\p{Cc}/u.test(value))
    return [secretProblem(key, shown, 'holds a newline or another control character')];
  if (/^your-.*/.test(value) && key !== 'ftp_path') {
    return [secretProblem(key, shown, 'is still the placeholder of an example')];
  }
  return holds(value) ? [] : [secretProblem(key, shown, `is not valid: expected ${expected}`)];
}

function isAbsent(value: string | number | undefined | null): value is undefined {
  return value === undefined || value === null || value === '';
}

function secretProblem(prop: string, value: string, reason: string): Finding {
  return { prop, value, reason, severity: 'error' };
}

/** Data of the gateway's Secret, by the names of `FTP_SECRET_KEYS`. The encryption keys are there only where encryption is on. */
export function gatewaySecretData(
  credentials: Credentials,
  { encryption, defaultPort }: { readonly encryption: boolean; readonly defaultPort: number },
): Record<string, string> {
  const { ftp_host, ftp_port, ftp_user, ftp_password, ftp_path } = credentials;
  return {
    ftp_host,
    ftp_port: String(isAbsent(ftp_port) ? defaultPort : ftp_port),
    ftp_user,
    ftp_password,
    ftp_path: isAbsent(ftp_path) ? '/' : ftp_path,
    s3_access_key: credentials.s3_access_key_id,
    s3_secret_key: credentials.s3_secret_access_key,
    ...(encryption && credentials.encryption_key && { encryption_key: credentials.encryption_key }),
    ...(encryption &&
      credentials.encryption_keys && { [OLDER_KEYS_SECRET_KEY]: credentials.encryption_keys }),
  };
}
