/** What may be known about a Secret: everything but its values. */
import { createHash } from 'node:crypto';
import { checkCredentials, type Credentials } from '../../credentials';
import { FTP_SECRET_KEYS, LONGHORN_SECRET_KEYS, OLDER_KEYS_SECRET_KEY } from '../../names';
import type { Secret } from '../kinds';
import type { SecretFacts } from './facts';

/** Keys of the gateway's Secret by the names that the secrets file has for them. */
const FILE_KEY: Readonly<Record<string, keyof Credentials>> = {
  s3_access_key: 's3_access_key_id',
  s3_secret_key: 's3_secret_access_key',
};

/** Longhorn reads these besides; their values too must have no blanks around them. */
const OTHER_LONGHORN_KEYS = ['AWS_CERT', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'VIRTUAL_HOSTED_STYLE'];

export interface GatewaySecretOptions {
  /** Whether the gateway is told to seal, so that the key must be there. */
  readonly encryption: boolean;
}

export function gatewaySecretFacts(secret: Secret, { encryption }: GatewaySecretOptions): SecretFacts {
  const values = decode(secret);
  const credentials: Record<string, string> = {};
  for (const key of [...Object.keys(FTP_SECRET_KEYS), OLDER_KEYS_SECRET_KEY]) {
    const value = values[key];
    if (value !== undefined) credentials[FILE_KEY[key] ?? key] = value;
  }
  const ours = new Map(Object.entries(FILE_KEY).map(([key, fileKey]) => [fileKey as string, key]));
  // The check is the one of the manifests; it tells lengths and never values.
  const faults = checkCredentials(credentials as unknown as Credentials, { encryption }).map(
    ({ prop, reason }) => ({
      key: ours.get(prop) ?? prop,
      reason,
    }),
  );
  const { s3_access_key: access, s3_secret_key: secretKey } = values;
  return { name: secret.metadata.name, keys: Object.keys(values), faults, ...digestOf(access, secretKey) };
}

export function longhornSecretFacts(secret: Secret): SecretFacts {
  const values = decode(secret);
  const missing = LONGHORN_SECRET_KEYS.filter((key) => !values[key]).map((key) => ({
    key,
    reason: 'is missing',
  }));
  const unclean = [...LONGHORN_SECRET_KEYS, ...OTHER_LONGHORN_KEYS]
    .filter((key) => values[key] !== undefined && values[key] !== values[key]?.trim())
    .map((key) => ({ key, reason: 'has a blank or a newline at its start or end, which Longhorn refuses' }));
  const { AWS_ACCESS_KEY_ID: access, AWS_SECRET_ACCESS_KEY: secretKey, AWS_ENDPOINTS: endpoint } = values;
  return {
    name: secret.metadata.name,
    keys: Object.keys(values),
    faults: [...missing, ...unclean],
    ...(endpoint !== undefined && { endpoint: endpoint.trim() }),
    ...digestOf(access, secretKey),
  };
}

function decode(secret: Secret): Record<string, string> {
  return Object.fromEntries(
    Object.entries(secret.data ?? {}).map(([key, value]) => [
      key,
      Buffer.from(value, 'base64').toString('utf8'),
    ]),
  );
}

function digestOf(
  access: string | undefined,
  secretKey: string | undefined,
): { readonly credentialDigest?: string } {
  if (access === undefined || secretKey === undefined) return {};
  return {
    credentialDigest: createHash('sha256').update(`${access.trim()}\n${secretKey.trim()}`).digest('hex'),
  };
}
