/** Signals to a process and everything it started, for servers that fork once for each connection. */
import { readdirSync, readFileSync } from 'node:fs';

/** `pid` and its living descendants. */
function processTree(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    const parent = /^\d+$/.test(entry) ? parentPid(entry) : undefined;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const tree = [pid];
  for (const member of tree) tree.push(...(children.get(member) ?? []));
  return tree;
}

export function signalTree(pid: number, signal: NodeJS.Signals): void {
  for (const member of processTree(pid)) {
    try {
      process.kill(member, signal);
    } catch {
      // It ended by itself meanwhile.
    }
  }
}

function parentPid(pid: string): number | undefined {
  try {
    // The second field is the command in parentheses, and may contain anything.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(
      stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .at(1),
    );
  } catch {
    return undefined;
  }
}
