import { known, type Facts, type SecretFacts } from '../../../../../lib/cli/doctor/facts';
import { credentials } from '../../../../../lib/cli/doctor/checks/credentials';
import { gatewaySecret, healthyFacts, longhornSecret } from '../../../../support/doctor-facts';
import { containing } from '../../../../support/containing';

const secrets = (...value: SecretFacts[]): Partial<Facts> => ({ secrets: known(value) });
const fault = {
  key: 'AWS_ACCESS_KEY_ID',
  reason: 'has a blank or a newline at its start or end, which Longhorn refuses',
};

describe('the check of the credentials', () => {
  it('has nothing to say against a healthy cluster', () => {
    expect(credentials.run(healthyFacts).map(({ verdict }) => verdict)).toEqual(['ok', 'ok']);
  });

  it.each<[string, Partial<Facts>, object]>([
    [
      'finds a Secret that is missing',
      secrets(gatewaySecret),
      {
        verdict: 'problem',
        subject: 'Secret longhorn-system/longhorn-backup-s3-credentials',
        text: 'it does not exist',
      },
    ],
    [
      'finds a newline',
      secrets(gatewaySecret, { ...longhornSecret, faults: [fault] }),
      { verdict: 'problem', text: containing('AWS_ACCESS_KEY_ID has a blank or a newline') },
    ],
    [
      'finds key pairs that differ',
      secrets(gatewaySecret, { ...longhornSecret, credentialDigest: 'other' }),
      { verdict: 'problem', text: 'its key pair is not the one that the gateway accepts' },
    ],
    [
      'does not know Secrets that it may not read',
      { secrets: { known: false, why: 'You may not get secrets' } },
      { verdict: 'unknown' },
    ],
  ])('%s', (_case, facts, expected) => {
    expect(credentials.run({ ...healthyFacts, ...facts })).toContainEqual(expect.objectContaining(expected));
  });

  it('says nothing about the key pair of a target that goes elsewhere', () => {
    const elsewhere = { ...longhornSecret, endpoint: 'https://s3.example', credentialDigest: 'other' };
    const findings = credentials.run({ ...healthyFacts, ...secrets(gatewaySecret, elsewhere) });
    expect(findings.map(({ verdict }) => verdict)).toEqual(['ok', 'ok']);
  });
});
