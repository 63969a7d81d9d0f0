import { known, type Facts } from '../../../../../lib/cli/doctor/facts';
import { stuckBackups } from '../../../../../lib/cli/doctor/checks/stuck-backups';
import { backup, healthyFacts } from '../../../../support/doctor-facts';
import { containing } from '../../../../support/containing';

const running = (creationTimestamp: string, state: string): Partial<Facts> => ({
  backups: known([
    { ...backup, metadata: { ...backup.metadata, creationTimestamp }, status: { state, progress: 40 } },
  ]),
});

describe('the check of stuck backups', () => {
  it('has nothing to say against a healthy cluster', () => {
    expect(stuckBackups.run(healthyFacts).map(({ verdict }) => verdict)).toEqual(['ok']);
  });

  it.each<[string, Partial<Facts>, object]>([
    [
      'finds one that runs for hours',
      running('2026-11-24T02:00:00Z', 'InProgress'),
      { verdict: 'problem', text: containing('InProgress at 40 % since 8 h') },
    ],
    [
      'finds one that never began',
      running('2026-11-24T02:00:00Z', ''),
      { verdict: 'problem', text: containing('it is New') },
    ],
    [
      'is content with one that has just begun',
      running('2026-11-24T09:00:00Z', 'InProgress'),
      { verdict: 'ok' },
    ],
  ])('%s', (_case, facts, expected) => {
    expect(stuckBackups.run({ ...healthyFacts, ...facts })).toContainEqual(expect.objectContaining(expected));
  });
});
