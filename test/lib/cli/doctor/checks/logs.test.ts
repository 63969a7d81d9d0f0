import { known, unknown, type Facts } from '../../../../../lib/cli/doctor/facts';
import { logs } from '../../../../../lib/cli/doctor/checks/logs';
import { healthyFacts } from '../../../../support/doctor-facts';
import { containing } from '../../../../support/containing';

const lines = (...value: string[]): Partial<Facts> => ({ logs: known([{ pod: 'm', lines: known(value) }]) });

describe('the check of the logs', () => {
  it('has nothing to say against a healthy cluster', () => {
    expect(logs.run(healthyFacts).map(({ verdict }) => verdict)).toEqual(['ok']);
  });

  it.each<[string, Partial<Facts>, object]>([
    [
      'explains a line and tells its age',
      lines('time="2026-11-24T08:00:00Z" level=info msg="Found 0 volumes with recurring job daily"'),
      { verdict: 'problem', fix: 'longhaul label', text: containing('last 2 h ago in m') },
    ],
    [
      'does not know a log that it may not read',
      { logs: known([{ pod: 'm', lines: unknown('refused') }]) },
      { verdict: 'unknown', text: 'refused' },
    ],
    ['does not take an empty log for a good one', lines(), { verdict: 'unknown' }],
  ])('%s', (_case, facts, expected) => {
    expect(logs.run({ ...healthyFacts, ...facts })).toContainEqual(expect.objectContaining(expected));
  });

  it.each([
    ['Found 0 volumes with recurring job', 'Found 0 volumes with recurring job daily'],
    ['volume in state detached', 'Cannot create job for pvc-1 volume in state detached'],
    [
      'SignatureDoesNotMatch',
      'AWS Error:  SignatureDoesNotMatch The request signature we calculated does not match',
    ],
    ['InvalidAccessKeyId', 'failed to list system backups: AWS Error:  InvalidAccessKeyId'],
    ['RequestTimeTooSkewed', 'AWS Error:  RequestTimeTooSkewed'],
    ['MissingEndpoint', "MissingEndpoint: 'Endpoint' configuration is required for this service"],
    ['invalid header field value', 'net/http: invalid header field value for "Authorization"'],
    ['NoSuchBucket', 'AWS Error:  NoSuchBucket The specified bucket does not exist'],
    ['aws-chunked not supported', 'NotImplemented: AWS chunked encoding not supported'],
    ['gateway not reachable', 'dial tcp 10.43.1.2:9000: connect: connection refused'],
    ['failed to acquire lock', 'failed to acquire lock backupstore/volumes/aa/bb/v/locks/lock-1.lck type 1'],
    [
      'backup target is not available',
      'admission webhook denied the request: backup target default is not available',
    ],
    ['listing timed out', 'failed to execute: longhorn backup ls --volume-only: timed out after 1m'],
    ['block is missing or damaged', 'failed to restore: checksum mismatch for block 12'],
  ])('knows "%s"', (name, line) => {
    const findings = logs.run({ ...healthyFacts, ...lines(line) });
    expect(findings.map(({ subject }) => subject)).toEqual([`"${name}"`]);
  });
});
