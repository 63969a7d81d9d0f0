/** `npm run bench`: runs the benches of this directory, one after another, and prints their tables. */
import { readdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench, BenchTable, Cell } from './bench';

const USAGE = `usage: npm run bench -- [--quick] [--bench NAME] [--only TEXT] [--json FILE]

  --quick       a short run
  --bench NAME  only this bench
  --only TEXT   only cases with this in their name, such as "proftpd, TLS"
  --json FILE   writes the figures there, too
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      bench: { type: 'string' },
      only: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void process.stdout.write(USAGE);
  const benches = await find(values.bench);
  const report: Record<string, readonly BenchTable[]> = {};
  for (const bench of benches) {
    const progress = (text: string) => void process.stderr.write(`${bench.name}: ${text}\n`);
    const tables = await bench.run({ quick: values.quick, only: values.only, progress });
    report[bench.name] = tables;
    for (const table of tables) process.stdout.write(`\n${markdown(table)}`);
  }
  if (values.json === undefined) return;
  const machine = { node: process.version, cpu: cpus()[0]?.model, cores: availableParallelism() };
  const at = new Date().toISOString();
  writeFileSync(values.json, `${JSON.stringify({ at, machine, quick: values.quick, report }, null, 2)}\n`);
}

async function find(name: string | undefined): Promise<Bench[]> {
  const files = readdirSync(__dirname).filter((file) => file.endsWith('.bench.ts'));
  const benches: Bench[] = [];
  for (const file of files.sort())
    benches.push(((await import(join(__dirname, file))) as { bench: Bench }).bench);
  const found = benches.filter((bench) => name === undefined || bench.name === name);
  if (found.length > 0) return found;
  throw new Error(`there is no bench ${name}; there are: ${benches.map((bench) => bench.name).join(', ')}`);
}

function markdown({ title, notes, columns, rows }: BenchTable): string {
  const cells = [columns, columns.map(() => '---'), ...rows.map((row) => row.map(rounded))];
  const lines = cells.map((row) => `| ${row.join(' | ')} |\n`);
  return `### ${title}\n\n${lines.join('')}\n${notes.map((note) => `${note}\n`).join('')}`;
}

function rounded(cell: Cell): string {
  if (typeof cell === 'string') return cell;
  return Number.isInteger(cell) || cell >= 100 ? cell.toFixed(0) : cell.toFixed(2);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
