import { formatBytes, formatDuration, table } from '../../../lib/cli/output';
import { Progress, type Terminal } from '../../../lib/cli/terminal';

describe('a table', () => {
  it('is as wide as its cells, without blanks at the end of a line', () => {
    expect(
      table(
        ['A', 'LONG'],
        [
          ['longer', ''],
          ['b', 'c'],
        ],
      ),
    ).toBe('A       LONG\nlonger\nb       c\n');
  });
});

describe('sizes and ages', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.5 KiB'],
    [5 * 1024 ** 4, '5.0 TiB'],
    [2048 * 1024 ** 4, '2048.0 TiB'],
  ])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [-5, '0 s'],
    [119_000, '119 s'],
    [120_000, '2 min'],
    [2 * 3_600_000, '2 h'],
    [72 * 3_600_000, '3 d'],
  ])('%d ms are %s', (durationMs, text) => expect(formatDuration(durationMs)).toBe(text));
});

describe('progress', () => {
  const record = (redraws: boolean): { written: string; progress: Progress } => {
    const state = { written: '' };
    const terminal: Terminal = {
      out: () => undefined,
      err: (text) => void (state.written += text),
      redraws,
      canAsk: false,
      ask: () => Promise.resolve(''),
    };
    return Object.assign(state, { progress: new Progress(terminal) });
  };

  it('is a plain line for each change where nothing can be redrawn', () => {
    const state = record(false);
    for (const text of ['one', 'one', 'two']) state.progress.update(text);
    state.progress.line('done');
    state.progress.done();
    expect(state.written).toBe('one\ntwo\ndone\n');
  });

  it('is one redrawn line on a terminal, which leaves nothing behind', () => {
    const state = record(true);
    state.progress.update('one');
    state.progress.update('two');
    state.progress.done();
    expect(state.written).toBe('one\r\u001b[2Ktwo\r\u001b[2K');
  });
});
