/** Lines in the logs of Longhorn that are known signs of trouble. */
import { formatDuration } from '../../output';
import { judge, listed, notKnown, ok, problem, type Check, type Finding } from '../finding';
import { KNOWN_FAULTS } from '../known-faults';

export const logs: Check = {
  name: 'Longhorn logs',
  run: ({ logs, now }) =>
    judge(logs, 'logs', (logs) => {
      const findings: Finding[] = [];
      for (const { pod, lines } of logs)
        if (!lines.known) findings.push(notKnown(`log of pod ${pod}`, lines.why));
      const read = logs.flatMap(({ pod, lines }) =>
        lines.known ? lines.value.map((line) => ({ pod, line })) : [],
      );
      for (const fault of KNOWN_FAULTS) {
        const hits = read.filter(({ line }) => fault.pattern.test(line));
        const last = hits.at(-1);
        if (last === undefined) continue;
        const pods = [...new Set(hits.map(({ pod }) => pod))];
        const age = ageOfLine(last.line, now);
        const seen = `${hits.length} times, last ${age === undefined ? '' : `${formatDuration(age)} ago `}in ${listed(pods, 3)}`;
        findings.push(problem(`"${fault.name}"`, `${fault.meaning} (${seen})`, fault.fix));
      }
      if (findings.length > 0) return findings;
      if (read.length === 0)
        return [notKnown('logs', 'there is no line to read: does longhorn-manager run?')];
      return [ok('logs', `no known fault in the last ${read.length} lines of ${logs.length} pods`)];
    }),
};

/** Longhorn writes `time="2026-11-24T00:00:00.000Z" level=…`. */
function ageOfLine(line: string, now: Date): number | undefined {
  const time = /\btime="?(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d))/.exec(line)?.[1];
  return time === undefined ? undefined : now.getTime() - new Date(time).getTime();
}
