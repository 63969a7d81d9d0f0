/** What each of the gateway's environment variables is for, in the words of docs/configuration.md. `config.ts` knows their defaults and what they may hold. */
import { MIRROR_PREFIX } from './mirror-config';

const FTP = {
  FTP_HOST: 'the FTP server',
  FTP_USER: 'user name there',
  FTP_PASSWORD: 'password there',
  FTP_PORT: 'control port; 990 with `FTP_TLS=implicit`',
  FTP_ROOT_PATH: 'directory on the FTP server that belongs to the gateway',
  FTP_TLS:
    '`explicit` is AUTH TLS on the control port, `implicit` TLS from the first byte. `off` sends the password readable',
  FTP_CA_FILE: "authority that signed the FTP server's certificate, instead of the system's",
  FTP_CONNECTIONS: 'most connections at a time; hosts allow 3 to 10',
  FTP_RETRY_SECONDS:
    'how long a fault of the FTP server is waited for before a client is told `503 SlowDown`',
  FTP_STALL_SECONDS: 'silence after which a connection counts as dead',
  FTP_UPLOAD_LIMIT:
    'megabits a second that all uploads together may take, by local time (`TZ`): `10@07:00-23:00,40` is 10 by day and 40 at night; the first rule that holds counts, `off` is no limit',
  FTP_DOWNLOAD_LIMIT: 'the same for downloads',
};

export const VARIABLES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'The FTP server': FTP,
  'The S3 port': {
    S3_ACCESS_KEY: 'with `S3_SECRET_KEY` the key pair that Longhorn signs with; it may do everything',
    S3_SECRET_KEY: 'see `S3_ACCESS_KEY`',
    'S3_ACCESS_KEY_<NAME>': 'another key pair; any number of them, each with its rights',
    'S3_SECRET_KEY_<NAME>': 'see `S3_ACCESS_KEY_<NAME>`',
    'S3_RIGHTS_<NAME>': 'what that key pair may do ([S3.md](../gateway/S3.md#access-keys))',
    'S3_BUCKETS_<NAME>': 'the only buckets that it sees; without it all',
    S3_BUCKET: 'exists without being created',
    S3_BIND_ADDRESS: 'where it listens',
    S3_PORT: 'port there; 0 takes any that is free',
    S3_DOMAIN: 'answers `<bucket>.<domain>` too',
    S3_TLS_CERT_FILE:
      'with `S3_TLS_KEY_FILE`: the S3 port then speaks TLS alone, HTTP/2 and HTTP/1.1; the files are read again when they change ([S3.md](../gateway/S3.md#tls))',
    S3_TLS_KEY_FILE: 'see `S3_TLS_CERT_FILE`',
  },
  'Metrics and log': {
    METRICS_BIND_ADDRESS:
      'where `/metrics` for Prometheus and the status page for people are; without authentication, read-only',
    METRICS_PORT: 'port there; 0 takes any that is free',
    LOG_LEVEL: 'how much is logged',
  },
  Encryption: {
    ENCRYPTION_KEY:
      'seals objects; without it they are stored as they are. **Keep a copy apart from the cluster: without the key nothing can be restored**',
    ENCRYPTION_KEYS: 'older keys, which only open ([KEYS.md](../gateway/KEYS.md))',
    ENCRYPTION_KEYS_DIR: 'the same as files',
    PLAIN_OBJECTS:
      '`read` serves files without seal although there is a key, until `longhaul keys rotate` has sealed them all',
    ROTATION_MIB_PER_SECOND:
      'how fast objects are sealed anew when the key changes, 0 for no limit; a rotation takes half of the connections at most',
    SEGMENT_SIZE_KIB: 'plaintext of a sealed segment',
  },
  'Deleting, and memory': {
    DELETE_GUARD:
      'a delete of a block that a stored backup needs: `enforce` refuses it with 503, `warn` only logs it, `off` does not look',
    TRASH_DAYS:
      'how long deleted and replaced files rest on the FTP server before they leave it; 0 for not at all. Locks and the stubs of backups in progress do not rest, nor do files that were replaced by the same content',
    TRASH_MIN_DAYS:
      'how long they rest at least while the account is full: then what has rested longer makes way for what is stored, the oldest first',
    TRASH_MAX_GIB: 'how much may rest; above it the oldest leave before their time',
    UPLOAD_EXPIRY_DAYS:
      'multipart uploads that nobody goes on with for this long are removed with their parts; 0: never',
    MEMORY_BUDGET_MIB: 'request bodies held in memory at a time',
  },
  'The catalog': {
    CATALOG_DIR: 'local directory for the catalog; may be lost, and is then rebuilt from the FTP server',
    CHECKPOINT_MINUTES:
      'how often an encrypted copy of the catalog goes to the FTP server, where anything changed; also after 10,000 changes and at a clean stop',
    CRAWL_HOURS: 'how often everything on the FTP server is looked at again, for changes behind the gateway',
  },
  // The account needs what the first one needs, where there is one.
  'A second FTP server': {
    ...Object.fromEntries(Object.keys(FTP).map((name) => [MIRROR_PREFIX + name, `as \`${name}\``])),
    MIRROR_FTP_HOST:
      'a second FTP server that holds the same ([operations](operations.md#a-second-ftp-server)); only with it the others are needed',
    MIRROR_MAX_LAG_MINUTES: 'a change that is older, and still not on the mirror, is warned of',
  },
};
