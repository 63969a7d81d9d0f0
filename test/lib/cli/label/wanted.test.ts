import { jobArguments } from '../../../../lib/cli/label/in-cluster';
import { parseWantedJobs } from '../../../../lib/cli/label/wanted';
import { UsageError } from '../../../../lib/cli/output';

describe('the jobs on the command line', () => {
  it('join where a job is given twice', () => {
    expect(parseWantedJobs(['daily=a/b,a/c', 'weekly=', 'daily=d/e'])).toEqual([
      {
        job: 'daily',
        pvcs: [
          { namespace: 'a', name: 'b' },
          { namespace: 'a', name: 'c' },
          { namespace: 'd', name: 'e' },
        ],
      },
      { job: 'weekly', pvcs: [] },
    ]);
  });

  it.each([
    'daily',
    '=a/b',
    'Daily=a/b',
    `${'d'.repeat(41)}=a/b`,
    'daily=a',
    'daily=a/b/c',
    'daily=a/b,',
    'daily=/b',
    'daily=a/B_',
  ])('are refused: %s', (text) => {
    expect(() => parseWantedJobs([text])).toThrow(UsageError);
  });

  it.each([
    [
      ['node', '/app/longhaul.js', 'label', '--job', 'daily=a/b', '--job', 'weekly=c/d'],
      ['daily=a/b', 'weekly=c/d'],
    ],
    [['label', '--job=daily=a/b'], ['daily=a/b']],
    [['node', '/app/server.js'], []],
  ])('are found in the command of a pod: %j', (command, expected) => {
    expect(jobArguments({ spec: { containers: [{ name: 'label', command }] } })).toEqual(expected);
  });
});
