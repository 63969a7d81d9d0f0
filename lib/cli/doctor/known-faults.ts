/** Messages in Longhorn's logs that people have met, with what they mean and what mends them. Sources: issues of longhorn/longhorn. */

export interface KnownFault {
  readonly name: string;
  readonly pattern: RegExp;
  readonly meaning: string;
  readonly fix: string;
}

export const KNOWN_FAULTS: readonly KnownFault[] = [
  {
    name: 'Found 0 volumes with recurring job',
    pattern: /Found 0 volumes with recurring job/,
    meaning: 'a job ran and no Volume carried its label; labels of PVCs alone do not count (#13928)',
    fix: 'longhaul label',
  },
  {
    name: 'volume in state detached',
    pattern: /Cannot create job for .* volume in state detached|invalid state for recurring job: detached/,
    meaning: 'a job skipped a volume that no pod uses',
    fix: 'set allow-recurring-job-while-volume-detached to true (longhaul deploy does)',
  },
  {
    name: 'SignatureDoesNotMatch',
    pattern: /SignatureDoesNotMatch/,
    meaning:
      'the secret keys of Longhorn and gateway differ, or a proxy between them rewrites a signed header (#12676, #13756)',
    fix: 'make the key pairs equal, and let AWS_ENDPOINTS name the Service itself',
  },
  {
    name: 'InvalidAccessKeyId',
    pattern: /InvalidAccessKeyId/,
    meaning: 'the access key of Longhorn is not the one of the gateway',
    fix: 'make AWS_ACCESS_KEY_ID the same as s3_access_key in the Secret of the gateway',
  },
  {
    name: 'RequestTimeTooSkewed',
    pattern: /RequestTimeTooSkewed/,
    meaning: 'the clocks of a node and of the gateway differ by more than signatures allow',
    fix: 'set the clocks of the nodes (NTP)',
  },
  {
    name: 'MissingEndpoint',
    pattern: /MissingEndpoint|'Endpoint' configuration is required/,
    meaning: 'AWS_ENDPOINTS is missing in the credential Secret (#8954)',
    fix: 'set AWS_ENDPOINTS in the Secret that the BackupTarget names',
  },
  {
    name: 'invalid header field value',
    pattern: /invalid header field value|malformed HTTP/,
    meaning: 'a credential has a newline in it (#811, #2226)',
    fix: 'set the Secret anew without newlines (echo -n)',
  },
  {
    name: 'NoSuchBucket',
    pattern: /NoSuchBucket/,
    meaning: "the bucket in the BackupTarget's URL does not exist in the gateway",
    fix: "make the bucket in backupTargetURL and the gateway's S3_BUCKET the same",
  },
  {
    name: 'aws-chunked not supported',
    pattern: /NotImplemented.*chunked|x-amz-content-sha256 must be/,
    meaning:
      'something other than the gateway answers Longhorn, and does not know its way of uploading (#13477, #13295)',
    fix: "point AWS_ENDPOINTS to the gateway's Service",
  },
  {
    name: 'gateway not reachable',
    pattern: /dial tcp .*(connection refused|no such host|i\/o timeout|no route to host)/,
    meaning: 'Longhorn could not reach an endpoint',
    fix: 'see whether the gateway is ready, whether AWS_ENDPOINTS is right, and what NetworkPolicies say',
  },
  {
    name: 'failed to acquire lock',
    pattern: /failed to acquire lock/,
    meaning: 'an old backup was still being deleted when a new one began, so that run is lost (#7744, #8742)',
    fix: 'longhaul backup now <namespace>/<pvc>; give jobs times that do not overlap',
  },
  {
    name: 'backup target is not available',
    pattern: /backup target \S+ is not available/,
    meaning: 'a backup was refused because the target was unavailable; it leaves no failed Backup',
    fix: 'longhaul backup now <namespace>/<pvc>, once the target is available',
  },
  {
    name: 'listing timed out',
    pattern: /backup (ls|inspect|head).*(timed? ?out|deadline exceeded)|Timeout executing.*backup/i,
    meaning: 'listing the backups took over a minute (#1955, #8435)',
    fix: 'raise the setting backup-execution-timeout to 5',
  },
  {
    name: 'block is missing or damaged',
    pattern: /(checksum|hash) mismatch|block .*(does not|doesn't) exist|failed to (read|load) block/i,
    meaning: 'a block of a backup is missing or damaged (#9784)',
    fix: 'make a full backup: longhaul backup now --full <namespace>/<pvc>',
  },
];
