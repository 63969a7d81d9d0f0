import { known, unknown, type Facts, type GatewayAnswers } from '../../../../../lib/cli/doctor/facts';
import { ftpServer } from '../../../../../lib/cli/doctor/checks/ftp-server';
import { deployment, healthyFacts, pod } from '../../../../support/doctor-facts';
import { containing } from '../../../../support/containing';

const answers = (readiness: GatewayAnswers['readiness']): Partial<Facts> => ({
  gateways: known([{ deployment, pods: known([pod]), answers: { version: known('1.0.0'), readiness } }]),
});

describe('the check of the FTP server', () => {
  it('has nothing to say against a healthy cluster', () => {
    expect(ftpServer.run(healthyFacts).map(({ verdict }) => verdict)).toEqual(['ok']);
  });

  it.each<[string, Partial<Facts>, object]>([
    [
      'finds that the gateway cannot log in',
      answers(known({ ready: false, reason: '530 Login incorrect' })),
      { verdict: 'problem', text: containing('530 Login incorrect') },
    ],
    [
      'finds little space',
      answers(known({ ready: true, freeBytes: 1024 ** 3 })),
      { verdict: 'problem', text: 'it has 1.0 GiB left' },
    ],
    [
      'tells the space',
      answers(known({ ready: true, freeBytes: 1024 ** 4 })),
      { verdict: 'ok', text: containing('1.0 TiB free') },
    ],
    [
      'does not know a gateway that cannot be asked',
      answers(unknown('no pod')),
      { verdict: 'unknown', text: 'no pod' },
    ],
  ])('%s', (_case, facts, expected) => {
    expect(ftpServer.run({ ...healthyFacts, ...facts })).toContainEqual(expect.objectContaining(expected));
  });
});
