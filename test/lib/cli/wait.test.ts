import { ClusterError } from '../../../lib/cli/cluster-error';
import { TimedOutError } from '../../../lib/cli/output';
import { waitFor, type Look, type WaitOptions } from '../../../lib/cli/wait';

function waiting(timeoutMs: number): WaitOptions & { readonly reports: string[] } {
  let nowMs = 0;
  const reports: string[] = [];
  const clock = {
    now: () => new Date(nowMs),
    sleep: (durationMs: number) => {
      nowMs += durationMs;
      return Promise.resolve();
    },
  };
  return { clock, timeoutMs, reports, report: (text) => void reports.push(text) };
}

describe('waiting', () => {
  it('looks until there is a result', async () => {
    const wait = waiting(10_000);
    let looks = 0;
    const look = (): Promise<Look<string>> =>
      Promise.resolve((looks += 1) === 3 ? { done: 'ready' } : { waitingFor: `look ${looks}` });
    await expect(waitFor(wait, look)).resolves.toBe('ready');
    expect(wait.reports).toEqual(['look 1', 'look 2']);
  });

  it('ends in time, with what it waited for last', async () => {
    await expect(waitFor(waiting(2000), () => Promise.resolve({ waitingFor: 'the pod' }))).rejects.toThrow(
      new TimedOutError('Timed out after 2 s. the pod'),
    );
  });

  it('looks at least once, however short the time', async () => {
    await expect(waitFor(waiting(0), () => Promise.resolve({ done: 1 }))).resolves.toBe(1);
  });

  it('outlasts a cluster that is away, and shows that it is', async () => {
    const wait = waiting(10_000);
    let looks = 0;
    const look = (): Promise<Look<string>> => {
      looks += 1;
      return looks < 3
        ? Promise.reject(new ClusterError('unreachable', 'away'))
        : Promise.resolve({ done: 'back' });
    };
    await expect(waitFor(wait, look)).resolves.toBe('back');
    expect(wait.reports).toEqual(['away', 'away']);
  });

  it('does not wait for what waiting does not mend', async () => {
    const forbidden = new ClusterError('forbidden', 'You may not');
    await expect(waitFor(waiting(10_000), () => Promise.reject(forbidden))).rejects.toBe(forbidden);
  });
});
