/** The slow line of a benchmark, as a process of its own. Takes `SlowLineOptions` by message, and answers 'counts' with what it counted. */
import { SlowLine, type SlowLineOptions } from '../support/slow-line';

let line: SlowLine | undefined;

async function answer(message: SlowLineOptions | 'counts'): Promise<void> {
  if (message !== 'counts') line = await SlowLine.start(message);
  process.send?.(line?.counts);
}

process.on('message', (message: SlowLineOptions | 'counts') => void answer(message));
process.on('disconnect', () => process.exit());
